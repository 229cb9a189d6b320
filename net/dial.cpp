#include "net/dial.hpp"

#include "net/deadline.hpp"
#include "net/endpoint.hpp"
#include "net/tls.hpp"

namespace troupe::net {

namespace {

// One attempt. Lives until done(), which every path reaches once.
class dialling : public stoppable, public std::enable_shared_from_this<dialling> {
 public:
  dialling(std::shared_ptr<io_pool> pool, dial_target target,
           std::function<void(result<dialled>)> callback)
      : pool_(std::move(pool)),
        context_(pool_->next()),
        target_(std::move(target)),
        callback_(std::move(callback)),
        resolver_(context_),
        socket_(context_),
        deadline_(
            context_.get_executor(), [this] { return shared_from_this(); },
            [this] { give_up(errc::unavailable, "no answer in time"); }) {}

  void begin() {
    entry_ = pool_->add(weak_from_this());
    if (!entry_) return;  // documented: nothing new starts once the loops stop
    asio::post(context_, [self = shared_from_this()] { self->resolve(); });
  }

  void stop_now(const failure& why) override {
    asio::post(context_, [self = shared_from_this(), why] { self->done(tl::unexpected(why)); });
  }

 private:
  using security = enum dial_target::security;

  std::string doing() const {
    return "connecting to " + to_string(endpoint{target_.host, target_.port});
  }
  void give_up(errc code, const std::string& why) { done(fail(code, doing() + ": " + why)); }

  void resolve() {
    if (!callback_) return;  // stopped before it began
    deadline_.set(target_.deadline);
    error_code not_numeric;
    const auto address = asio::ip::make_address(target_.host, not_numeric);
    if (!not_numeric) return connect({tcp::endpoint(address, target_.port)});
    resolver_.async_resolve(
        target_.host, std::to_string(target_.port),
        [self = shared_from_this()](error_code error, const tcp_resolver::results_type& found) {
          if (!self->callback_) return;
          if (error) return self->done(tl::unexpected(socket_failure(error, self->doing())));
          std::vector<tcp::endpoint> endpoints;
          for (const auto& entry : found) endpoints.push_back(entry.endpoint());
          self->connect(std::move(endpoints));
        });
  }

  void connect(std::vector<tcp::endpoint> endpoints) {
    if (target_.security == security::plain_loopback)
      for (const auto& e : endpoints)
        if (!e.address().is_loopback())
          return give_up(errc::invalid_argument,
                         "a link without TLS is possible within one machine only");
    endpoints_ = std::move(endpoints);
    try_endpoint(0, asio::error::host_not_found);
  }

  // One address after the other; `last` is why the one before failed.
  void try_endpoint(std::size_t i, error_code last) {
    if (i >= endpoints_.size()) return done(tl::unexpected(socket_failure(last, doing())));
    error_code error;
    socket_.close(error);
    open_socket(socket_, endpoints_[i].protocol(), error);
    if (error) return try_endpoint(i + 1, error);
    socket_.async_connect(endpoints_[i], [self = shared_from_this(), i](error_code failed) {
      if (!self->callback_) return;
      if (failed) return self->try_endpoint(i + 1, failed);
      self->address_ = to_text(self->endpoints_[i]);
      self->secure();
    });
  }

  void secure() {
    stream_.emplace(std::move(socket_));
    if (target_.security == security::plain || target_.security == security::plain_loopback)
      return done(dialled{std::move(*stream_), {}, address_});
    auto context = target_.security == security::cluster ? client_context(target_.files)
                                                         : public_client_context(target_.authorities);
    if (!context) return done(tl::unexpected(context.error()));
    auto* tls = stream_->use_tls(std::move(*context));
    if (target_.security == security::world && !expect_host(tls, target_.host))
      return give_up(errc::invalid_argument, "not a host name that TLS can check");
    stream_->async_handshake(ssl::stream_base::client, [self = shared_from_this()](error_code e) {
      if (!self->callback_) return;
      if (e) return self->done(tl::unexpected(socket_failure(e, self->doing())));
      self->identify();
    });
  }

  void identify() {
    if (target_.security == security::world)
      return done(dialled{std::move(*stream_), {}, address_});
    auto who = peer_identity(stream_->tls());
    if (!who) return give_up(who.error().code, who.error().message);
    for (const auto r : target_.roles)
      if (who->role == r) return done(dialled{std::move(*stream_), std::move(*who), address_});
    give_up(errc::forbidden,
            "what answers has the certificate of a " + std::string(to_string(who->role)));
  }

  void done(result<dialled> outcome) {
    if (!callback_) return;
    const auto callback = std::exchange(callback_, nullptr);
    deadline_.clear();
    resolver_.cancel();
    error_code ignored;  // an open socket has nothing to say to anyone any more
    socket_.close(ignored);
    if (stream_ && !outcome) stream_->close();
    entry_ = {};
    callback(std::move(outcome));
  }

  const std::shared_ptr<io_pool> pool_;  // first: the loops outlive what lives on them
  asio::io_context& context_;
  const dial_target target_;
  std::function<void(result<dialled>)> callback_;  // empty: done
  tcp_resolver resolver_;
  tcp_socket socket_;
  std::vector<tcp::endpoint> endpoints_;
  std::optional<any_stream> stream_;
  std::string address_;
  deadline deadline_;
  io_pool::registration entry_;
};

}  // namespace

void dial(const std::shared_ptr<io_pool>& pool, dial_target target,
          std::function<void(result<dialled>)> callback) {
  std::make_shared<dialling>(pool, std::move(target), std::move(callback))->begin();
}

}  // namespace troupe::net
