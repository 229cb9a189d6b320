// Connects a client session to a head over a link; reconnects when it breaks. Everything here runs
// on the clients' io thread, one for the whole process.
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <future>

#include "actors/cluster_state.hpp"
#include "actors/link_endpoint.hpp"
#include "api/client_session.hpp"
#include "net/endpoint.hpp"
#include "net/io.hpp"

namespace troupe::detail {
namespace {

// Tasks taken from the session at once; the link's queue decides when to take more.
constexpr std::size_t take_budget = 8192;
constexpr auto first_backoff = std::chrono::milliseconds{100};
constexpr auto longest_backoff = std::chrono::seconds{2};
// How long a broken link may stay broken: the head's default grace for a vanished client.
constexpr auto patience_for_reconnect = std::chrono::seconds{30};

net::io& client_io() {
  static net::io io(1);
  return io;
}

// The link and its state, shared by the callbacks that refer to it. Lives on the io thread.
class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(std::weak_ptr<client_session> session, actors::head_record head,
             std::chrono::nanoseconds timeout)
      : session_(std::move(session)), head_(std::move(head)), timeout_(timeout) {}

  std::future<result<void>> first_welcome() { return welcomed_.get_future(); }

  void start() {
    client_io().post([self = shared_from_this()] { self->dial(); });
  }
  void wake() {
    if (wake_pending_.exchange(true)) return;
    client_io().post([self = shared_from_this()] {
      self->wake_pending_ = false;
      self->pump();
    });
  }
  // From any thread but the io thread, unless nothing is left to send.
  void close(std::chrono::nanoseconds patience, client_session& session) {
    std::promise<void> done;
    auto finished = done.get_future();
    client_io().post([self = shared_from_this(), &session, &done] {
      self->closing_ = true;
      self->pump_from(session);
      self->when_idle_ = [&done] { done.set_value(); };
      self->check_idle();
    });
    bool ended = finished.wait_for(patience) == std::future_status::ready;
    std::promise<void> gone;
    client_io().post([self = shared_from_this(), &gone] {
      self->when_idle_ = nullptr;
      self->hang_up(failure{errc::none, "", {}});
      gone.set_value();
    });
    gone.get_future().wait();
    (void)ended;  // what could not leave in time is lost with the client, as if it had died
  }

 private:
  void dial();
  void linked(result<std::shared_ptr<net::link>> link);
  void on_frame(std::span<const std::byte> frame);
  void on_closed(const failure& why);
  void greet(std::vector<protocol::message>& messages);
  void pump();
  void pump_from(client_session& session);
  void check_idle();
  void hang_up(failure why);
  void give_up(const failure& why);
  void retry(const failure& why);

  std::weak_ptr<client_session> session_;
  const actors::head_record head_;
  const std::chrono::nanoseconds timeout_;
  std::promise<result<void>> welcomed_;
  bool ever_welcomed_ = false;
  bool closing_ = false;
  bool welcome_seen_ = false;
  std::atomic<bool> wake_pending_{false};
  std::unique_ptr<actors::link_endpoint> endpoint_;
  std::chrono::nanoseconds backoff_ = first_backoff;
  std::chrono::steady_clock::time_point broken_since_;
  std::function<void()> when_idle_;
};

void connection::dial() {
  if (closing_) return;
  auto endpoint = net::parse_endpoint(head_.address);
  if (!endpoint) return give_up(endpoint.error());
  net::connect_options options;
  options.host = endpoint->host;
  options.port = endpoint->port;
  options.deadline = timeout_;
  if (head_.tls) options.tls = net::files_in(head_.certificates, protocol::role::client);
  net::connect(client_io(), options, net::net_settings{},
               [self = shared_from_this()](result<std::shared_ptr<net::link>> link) {
                 client_io().post([self, link = std::move(link)]() mutable {
                   self->linked(std::move(link));
                 });
               });
}

void connection::linked(result<std::shared_ptr<net::link>> link) {
  auto session = session_.lock();
  if (!session || closing_) {
    if (link) (*link)->close();
    return;
  }
  if (!link) return retry(link.error());
  endpoint_ = std::make_unique<actors::link_endpoint>(*link);
  welcome_seen_ = false;
  std::weak_ptr<connection> weak = weak_from_this();
  net::link_handlers handlers;
  handlers.on_frame = [weak](std::span<const std::byte> frame) {
    if (auto self = weak.lock()) self->on_frame(frame);
  };
  handlers.on_drained = [weak] {
    if (auto self = weak.lock()) self->pump();
  };
  handlers.on_closed = [weak](const failure& why) {
    if (auto self = weak.lock()) self->on_closed(why);
  };
  (*link)->start(std::move(handlers));
  protocol::hello hello;
  hello.role = protocol::role::client;
  hello.software = "troupe-c++";
  hello.incarnation = session->incarnation();
  endpoint_->push(std::move(hello));
  endpoint_->flush();
}

void connection::greet(std::vector<protocol::message>& messages) {
  auto* refused = std::get_if<protocol::refused>(&messages.front());
  if (refused) return give_up(refused->why);
  auto* welcome = std::get_if<protocol::welcome>(&messages.front());
  if (!welcome)
    return give_up(failure{errc::protocol, "the head's first message is not a welcome", {}});
  welcome_seen_ = true;
  backoff_ = first_backoff;
  endpoint_->link().established();
  if (auto session = session_.lock()) session->connected(*welcome);
  if (!std::exchange(ever_welcomed_, true)) welcomed_.set_value({});
  messages.erase(messages.begin());
}

void connection::on_frame(std::span<const std::byte> frame) {
  if (!endpoint_) return;
  std::vector<protocol::message> messages;
  if (auto ok = endpoint_->receive(frame, messages); !ok) {
    endpoint_->link().close(ok.error());
    return;
  }
  if (!welcome_seen_ && !messages.empty()) greet(messages);
  if (!endpoint_) return;
  if (auto session = session_.lock(); session && !messages.empty()) session->received(messages);
  pump();
}

void connection::on_closed(const failure& why) {
  endpoint_.reset();
  if (closing_) return check_idle();
  retry(why.code == errc::none ? failure{errc::unavailable, "the head ended the connection", {}}
                               : why);
}

void connection::retry(const failure& why) {
  bool hopeless = why.code == errc::unauthenticated || why.code == errc::forbidden ||
                  why.code == errc::version_mismatch;
  if (!ever_welcomed_ || hopeless) return give_up(why);
  auto now = std::chrono::steady_clock::now();
  if (backoff_ == first_backoff) broken_since_ = now;
  if (now - broken_since_ > patience_for_reconnect) return give_up(why);
  client_io().after(std::chrono::duration_cast<duration>(backoff_),
                    [self = shared_from_this()] { self->dial(); });
  backoff_ = std::min<std::chrono::nanoseconds>(backoff_ * 2, longest_backoff);
}

void connection::give_up(const failure& why) {
  hang_up(why);
  failure named = why;
  named.message = "the head at " + head_.address + ": " + why.message;
  closing_ = true;
  if (!std::exchange(ever_welcomed_, true)) welcomed_.set_value(tl::unexpected(named));
  if (auto session = session_.lock()) session->lost(named);
}

void connection::hang_up(failure why) {
  closing_ = true;
  if (endpoint_) endpoint_->link().close(std::move(why));
  endpoint_.reset();
}

void connection::pump() {
  if (auto session = session_.lock()) return pump_from(*session);
  if (endpoint_) endpoint_->flush();
  check_idle();
}

void connection::pump_from(client_session& session) {
  if (!endpoint_ || !welcome_seen_) return check_idle();
  endpoint_->flush();
  std::vector<protocol::message> out;
  while (endpoint_->link().queued_bytes() < (std::size_t{1} << 20)) {
    session.take_outgoing(out, take_budget);
    if (out.empty()) break;
    for (auto& m : out) endpoint_->push(std::move(m));
    out.clear();
    endpoint_->flush();
  }
  check_idle();
}

void connection::check_idle() {
  if (!when_idle_ || (endpoint_ && !endpoint_->idle())) return;
  std::exchange(when_idle_, nullptr)();
}

class link_transport : public client_transport {
 public:
  link_transport(std::shared_ptr<connection> c, std::string address, client_session* session)
      : connection_(std::move(c)), address_(std::move(address)), session_(session) {}
  void wake() override { connection_->wake(); }
  void close(std::chrono::nanoseconds patience) override { connection_->close(patience, *session_); }
  const std::string& address() const override { return address_; }

 private:
  std::shared_ptr<connection> connection_;
  std::string address_;
  client_session* session_;
};

std::string default_name() {
  std::string name = "client";
  char path[4096];
  if (auto n = ::readlink("/proc/self/exe", path, sizeof path); n > 0) {
    name.assign(path, static_cast<std::size_t>(n));
    name = name.substr(name.rfind('/') + 1);
  }
  return name + ":" + std::to_string(::getpid());
}

}  // namespace

result<std::shared_ptr<client_session>> connect_over_link(const connect_options& options) {
  auto head = actors::find_cluster(options.address, options.certificates.string());
  if (!head) return tl::unexpected(head.error());
  auto session =
      std::make_shared<client_session>(options.name.empty() ? default_name() : options.name);
  auto c = std::make_shared<connection>(session, *head, options.timeout);
  session->attach(std::make_unique<link_transport>(c, head->address, session.get()));
  auto welcome = c->first_welcome();
  c->start();
  if (welcome.wait_for(options.timeout + std::chrono::seconds{1}) != std::future_status::ready)
    return fail(errc::unavailable, "the head at " + head->address + " did not answer within " +
                                       std::to_string(to_seconds(options.timeout)) + " s");
  if (auto ok = welcome.get(); !ok) return tl::unexpected(ok.error());
  return session;
}

}  // namespace troupe::detail
