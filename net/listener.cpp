// The accepting half of a listener. One pending accept, on the pool's first io thread; connections
// are spread over all of them.
#include "net/listener.hpp"

#include <algorithm>
#include <cerrno>
#include <future>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/dispatch.hpp>

#include "net/connection.hpp"
#include "net/endpoint.hpp"

namespace troupe::net {

namespace {

constexpr int accepts_at_once = 64;  // then others on this thread have their turn
constexpr auto stop_patience = std::chrono::seconds{2};

// Connections must not use up what files and child processes need.
std::size_t connection_limit(const net_settings& settings) {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == RLIM_INFINITY)
    return settings.max_connections;
  return std::min<std::size_t>(settings.max_connections, descriptors.rlim_cur / 4 * 3);
}

class acceptor : public stoppable, public std::enable_shared_from_this<acceptor> {
 public:
  explicit acceptor(std::shared_ptr<listener_shared> shared)
      : shared_(std::move(shared)),
        socket_(shared_->pool->first()),
        pause_(shared_->pool->first()),
        tokens_(shared_->settings.accepts_per_second),
        counted_(clock::now()) {}

  result<void> open() {
    const auto name = to_string(endpoint{shared_->options.host, shared_->options.port});
    auto at = resolve(name);
    if (!at) return tl::unexpected(at.error());
    if (!shared_->tls && !at->address().is_loopback())
      return fail(errc::invalid_argument,
                  "can't listen on " + name +
                      " without TLS: only loopback addresses may go without it "
                      "(127.0.0.1 or ::1); turn TLS on or listen there");
    error_code error;
    open_socket(socket_, at->protocol(), error);
    if (!error) socket_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) socket_.bind(*at, error);
    if (!error) socket_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) socket_.native_non_blocking(true, error);
    if (!error) local_ = socket_.local_endpoint(error);
    if (error)
      return fail(error == asio::error::address_in_use  ? errc::already_exists
                  : error == asio::error::access_denied ? errc::forbidden
                                                        : errc::io,
                  "can't listen on " + name + ": " + error.message());
    entry_ = shared_->pool->add(weak_from_this());
    if (!entry_) return fail(errc::unavailable, "this process is stopping");
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->wait(); });
    return {};
  }

  const tcp::endpoint& local() const { return local_; }
  listener_shared& shared() { return *shared_; }

  // Waits for the io thread, unless called there, so that the port is free afterwards.
  void stop() {
    if (shared_->stopped.exchange(true)) return;
    const auto executor = socket_.get_executor();
    if (executor.running_in_this_thread()) return close();
    if (shared_->pool->stopped()) return;  // which closes everything itself
    auto closed = std::make_shared<std::promise<void>>();
    auto done = closed->get_future();
    asio::post(executor, [self = shared_from_this(), closed] {
      self->close();
      closed->set_value();
    });
    done.wait_for(stop_patience);  // longer only if the loops stop at this very moment
  }

  void stop_now(const failure&) override {
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close(); });
  }

 private:
  // A name is looked up in place: listeners are opened at start, not on io threads.
  result<tcp::endpoint> resolve(const std::string& name) {
    const auto& [host, port, tls, links] = shared_->options;
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (!error) return tcp::endpoint(address, port);
    tcp_resolver resolver(shared_->pool->first());
    const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
    if (error || found.empty())
      return fail(errc::invalid_argument,
                  "can't listen on " + name + ": no such host: " + error.message());
    // The first IPv4 address where there is one: it is what people mean by a name.
    for (const auto& entry : found)
      if (entry.endpoint().address().is_v4()) return entry.endpoint();
    return found.begin()->endpoint();
  }

  void wait() {
    socket_.async_wait(tcp_acceptor::wait_read, [self = shared_from_this()](error_code error) {
      if (!error) self->accept();
    });
  }

  // Takes what waits. By hand, because Asio would let a child process that is started at this
  // moment inherit the connection.
  void accept() {
    for (int i = 0; i < accepts_at_once; ++i) {
      if (!socket_.is_open() || !may_accept()) return;
      tcp::endpoint peer;
      auto size = static_cast<socklen_t>(peer.capacity());
      const int fd =
          ::accept4(socket_.native_handle(), peer.data(), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        peer.resize(size);
        welcome(fd, peer);
      } else if (errno == EAGAIN) {
        tokens_ += 1;
        break;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // The connection stays in the kernel's queue; asking again at once would only burn time.
        ++shared_->out_of_descriptors;
        return retry_after(shared_->settings.accept_pause);
      }  // else: a connection that went away while it waited
    }
    wait();
  }

  // A bucket that fills at the allowed rate and holds one second's worth. Empty: comes back later.
  bool may_accept() {
    const auto rate = static_cast<double>(shared_->settings.accepts_per_second);
    const auto now = clock::now();
    tokens_ = std::min(rate, tokens_ + rate * to_seconds(now - counted_));
    counted_ = now;
    if (tokens_ < 1) {
      retry_after(from_seconds((1 - tokens_) / rate));
      return false;
    }
    tokens_ -= 1;
    return true;
  }

  void retry_after(duration delay) {
    pause_.expires_after(delay);
    pause_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->accept();
    });
  }

  void welcome(int fd, const tcp::endpoint& peer) {
    ++shared_->accepted;
    auto& context = shared_->pool->next();
    tcp_socket socket(context);
    error_code error;
    socket.assign(local_.protocol(), fd, error);
    if (error) {
      ::close(fd);
      return shared_->refuse(to_text(peer), socket_failure(error, "accepting"));
    }
    auto ticket = shared_->gate->enter(peer.address().to_string());
    if (!ticket)
      return shared_->refuse(to_text(peer),
                             {errc::overloaded, "too many connections are open", {}});
    auto c =
        std::make_shared<connection>(shared_, std::move(socket), to_text(peer), std::move(ticket));
    asio::dispatch(context, [c] { c->begin(); });
  }

  void close() {
    if (!socket_.is_open()) return;
    error_code ignored;  // closing is all that is left to do
    socket_.close(ignored);
    pause_.cancel();
    shared_->gate->stop_all(failure{errc::unavailable, "this port closes", {}});
    entry_ = {};
  }

  const std::shared_ptr<listener_shared> shared_;
  tcp_acceptor socket_;
  steady_timer pause_;
  tcp::endpoint local_;
  double tokens_;
  time_point counted_;
  io_pool::registration entry_;
};

class tcp_listener final : public listener {
 public:
  explicit tcp_listener(std::shared_ptr<acceptor> a) : acceptor_(std::move(a)) {}
  ~tcp_listener() override { acceptor_->stop(); }

  std::uint16_t port() const override { return acceptor_->local().port(); }
  std::string address() const override { return to_text(acceptor_->local()); }
  void stop() override { acceptor_->stop(); }

  listen_counters counters() const override {
    const auto& s = acceptor_->shared();
    return {s.accepted, s.links, s.requests, s.refused, s.out_of_descriptors, s.gate->open()};
  }

 private:
  const std::shared_ptr<acceptor> acceptor_;
};

}  // namespace

result<std::unique_ptr<listener>> listener::open(io& io, const listen_options& options,
                                                 const net_settings& settings,
                                                 listen_handlers handlers) {
  auto shared = std::make_shared<listener_shared>();
  shared->pool = io.pool();
  shared->options = options;
  shared->settings = settings;
  shared->handlers = std::move(handlers);
  shared->gate =
      std::make_shared<admission>(connection_limit(settings), settings.max_handshakes_per_address);
  if (options.tls) {
    auto context = server_context(*options.tls);
    if (!context) return tl::unexpected(context.error());
    shared->tls = std::move(*context);
  }
  auto a = std::make_shared<acceptor>(std::move(shared));
  if (auto ok = a->open(); !ok) return tl::unexpected(ok.error());
  return std::make_unique<tcp_listener>(std::move(a));
}

}  // namespace troupe::net
