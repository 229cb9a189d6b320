// A client session over a link: passes messages between the two on the clients' io thread, of which
// there is one for the whole process.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <mutex>
#include <vector>

#include "actors/cluster_state.hpp"
#include "actors/head_link.hpp"
#include "api/client_session.hpp"
#include "libruntime/protocol/limits.hpp"

namespace troupe::detail {
namespace {

// Tasks taken from the session at once; the link's queue decides when to take more.
constexpr std::size_t take_budget = 8192;

net::io& client_io() {
  static net::io io(1);
  return io;
}

class link_transport : public client_transport {
 public:
  link_transport(std::shared_ptr<actors::head_link> link, std::string address,
                 client_session& session)
      : link_(std::move(link)), address_(std::move(address)), session_(session) {}

  void start(std::weak_ptr<client_session> session, std::shared_ptr<std::promise<result<void>>> first) {
    actors::head_link_handlers h;
    auto answered = std::make_shared<std::atomic<bool>>(false);
    h.on_welcome = [session, first, answered](const protocol::welcome& w) {
      if (auto s = session.lock()) s->connected(w);
      if (!answered->exchange(true)) first->set_value({});
    };
    h.on_messages = [session](std::vector<protocol::message>& messages) {
      if (auto s = session.lock()) s->received(messages);
    };
    h.on_writable = [session, link = std::weak_ptr(link_)] {
      auto s = session.lock();
      auto l = link.lock();
      if (s && l) pump(*s, *l);
    };
    h.on_broken = [session] {
      if (auto s = session.lock()) s->broken();
    };
    h.on_lost = [session, first, answered](const failure& why) {
      if (auto s = session.lock()) s->lost(why);
      if (!answered->exchange(true)) first->set_value(tl::unexpected(why));
    };
    link_->start(std::move(h));
  }

  void wake() override {
    if (wake_pending_->exchange(true)) return;
    link_->post([link = link_, pending = wake_pending_] {
      *pending = false;
      link->flush();
    });
  }

  void close(std::chrono::nanoseconds patience) override {
    // What the session still has leaves first.
    auto taken = std::make_shared<std::promise<void>>();
    auto take = [&session = session_, link = link_, taken] {
      pump(session, *link);
      taken->set_value();
    };
    if (client_io_thread()) {
      take();
    } else {
      link_->post(take);
      taken->get_future().wait();
    }
    link_->close(patience);
  }

  bool on_its_thread() const override { return client_io_thread(); }
  const std::string& address() const override { return address_; }

 private:
  static void pump(client_session& session, actors::head_link& link) {
    std::vector<protocol::message> out;
    while (link.writable()) {
      session.take_outgoing(out, take_budget);
      if (out.empty()) return;
      for (auto& m : out) link.send(std::move(m));
      out.clear();
      // on_writable is called by flush(): the endpoint alone is flushed here.
      link.flush_endpoint();
    }
  }
  static bool client_io_thread() {
    thread_local bool known = false, is = false;
    if (!known) {
      known = true;
      is = std::this_thread::get_id() == io_thread_id();
    }
    return is;
  }
  static std::thread::id io_thread_id() {
    static const std::thread::id id = [] {
      std::promise<std::thread::id> p;
      client_io().post([&p] { p.set_value(std::this_thread::get_id()); });
      return p.get_future().get();
    }();
    return id;
  }
  friend result<std::shared_ptr<client_session>> troupe::detail::connect_over_link(
      const connect_options& options);

  std::shared_ptr<actors::head_link> link_;
  std::string address_;
  client_session& session_;
  std::shared_ptr<std::atomic<bool>> wake_pending_ = std::make_shared<std::atomic<bool>>(false);
};

// A client may be an object that lives until the process ends. By then the io thread, and OpenSSL, are
// gone, and its goodbye would wait for them for ever: so it is said before, when the process begins to
// end. What was registered last runs first: after the first connection with TLS, before both go.
struct open_sessions {
  std::mutex mutex;
  std::vector<std::weak_ptr<client_session>> list;
};

open_sessions& all_sessions() {
  static auto& all = *new open_sessions;  // outlives what is closed through it
  return all;
}

void close_all() {
  std::vector<std::weak_ptr<client_session>> list;
  {
    std::lock_guard lock(all_sessions().mutex);
    list.swap(all_sessions().list);
  }
  for (const auto& weak : list)
    if (auto s = weak.lock()) s->close();
}

void close_at_exit(const std::shared_ptr<client_session>& session, bool tls) {
  {
    std::lock_guard lock(all_sessions().mutex);
    auto& list = all_sessions().list;
    std::erase_if(list, [](const auto& weak) { return weak.expired(); });
    list.push_back(session->weak_from_this());
  }
  if (tls) {
    [[maybe_unused]] static const int registered = std::atexit(close_all);
  } else {
    [[maybe_unused]] static const int registered = std::atexit(close_all);
  }
}

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
  if (auto fine = protocol::check_text("the client's name takes", options.name); !fine)
    return tl::unexpected(fine.error());
  auto session = client_session::make(options.name.empty() ? default_name() : options.name);
  actors::head_link_options o;
  o.address = head->address;
  if (head->tls) o.tls = net::files_in(head->certificates, protocol::role::client);
  o.hello.role = protocol::role::client;
  o.hello.software = "troupe-c++";
  o.hello.incarnation = session->incarnation();
  o.timeout = options.timeout;
  auto transport = std::make_unique<link_transport>(
      std::make_shared<actors::head_link>(client_io(), std::move(o)), head->address, *session);
  link_transport::io_thread_id();  // before the io thread itself could ask
  auto first = std::make_shared<std::promise<result<void>>>();
  auto welcome = first->get_future();
  auto* t = transport.get();
  session->attach(std::move(transport));
  t->start(session->weak_from_this(), first);
  if (welcome.wait_for(options.timeout + std::chrono::seconds{1}) != std::future_status::ready)
    return fail(errc::unavailable, "the head at " + head->address + " did not answer within " +
                                       std::to_string(to_seconds(options.timeout)) + " s");
  if (auto ok = welcome.get(); !ok) return tl::unexpected(ok.error());
  close_at_exit(session, head->tls);
  return session;
}

}  // namespace troupe::detail
