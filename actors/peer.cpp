#include "actors/peer.hpp"

#include <deque>
#include <iterator>

#include "actors/errors.hpp"
#include "actors/io_actor.hpp"
#include "actors/link_endpoint.hpp"
#include "libruntime/protocol/split.hpp"

namespace troupe::actors {
namespace {

// Questions of one client that the scheduler has at a time, and that may wait here. Whoever asks much
// waits for itself; whoever doesn't read answers gets no more of them.
constexpr int max_asked = 2;
constexpr std::size_t max_questions = 4096;
constexpr auto join_timeout = std::chrono::seconds{10};
constexpr auto answer_timeout = std::chrono::seconds{60};

struct peer_state {
  peer_state() = default;
  static inline const char* name = "peer";

  enum class phase : std::uint8_t { greeting, registering, open } at = phase::greeting;
  std::unique_ptr<link_endpoint> endpoint;
  scheduler_actor scheduler;
  peer_options options;
  protocol::hello hello;
  net::identity identity;
  bool admin = false;
  client_id client;
  worker_id worker;
  // On their way to the peer, in order; the session gets them as the link takes them.
  std::deque<protocol::message> box;
  std::deque<protocol::request> questions;  // not asked yet
  int asked = 0;
};

using self_pointer = peer_actor::stateful_pointer<peer_state>;

void refuse(self_pointer self, failure why) {
  auto& s = self->state;
  s.endpoint->push(protocol::refused{why});
  s.endpoint->flush();
  s.endpoint->link().close(std::move(why));
}

// ---- greeting ---------------------------------------------------------------------------------

result<void> check_hello(const peer_state& s, const protocol::hello& h) {
  if (h.protocol_version != protocol::version)
    return fail(errc::version_mismatch,
                "this head speaks protocol version " + std::to_string(protocol::version) +
                    ", the peer " + std::to_string(h.protocol_version) + " (" + h.software + ")");
  if (h.role != s.identity.role || h.role == protocol::role::head)
    return fail(errc::forbidden, "the certificate is a " +
                                     std::string{net::to_string(s.identity.role)} +
                                     "'s, the hello claims another role");
  if (h.role == protocol::role::worker && h.epoch && h.epoch != s.options.epoch)
    return fail(errc::unavailable, "this head is a new one (epoch " +
                                       std::to_string(s.options.epoch.value) +
                                       "); workers of earlier ones have to end");
  return {};
}

void welcome(self_pointer self) {
  auto& s = self->state;
  protocol::welcome w;
  w.software = s.options.software;
  w.cluster_id = s.options.cluster_id;
  w.cluster_name = s.options.cluster_name;
  w.epoch = s.options.epoch;
  w.heartbeat_interval = s.options.heartbeat_interval;
  s.endpoint->push(std::move(w));
  s.endpoint->flush();
}

void not_joined(self_pointer self, caf::error& e) {
  self->state.endpoint->link().resume_reading();  // the peer's goodbye
  refuse(self, to_failure(e));
}

void join_as_client(self_pointer self) {
  auto& s = self->state;
  s.endpoint->link().pause_reading();  // what it says meanwhile waits where it is
  s.admin = s.identity.owner == s.options.owner;
  join_client join{party_actor{self}, s.hello.incarnation, s.identity.owner, s.admin};
  self->request(s.scheduler, join_timeout, std::move(join))
      .await(
          [self](client_id id) {
            self->state.client = id;
            self->state.at = peer_state::phase::open;
            self->state.endpoint->link().established();
            self->state.endpoint->link().resume_reading();
          },
          [self](caf::error& e) { not_joined(self, e); });
}

void join_as_worker(self_pointer self, protocol::register_worker& info) {
  auto& s = self->state;
  s.endpoint->link().pause_reading();
  info.incarnation = s.hello.incarnation;
  join_worker join{party_actor{self}, std::move(info), s.hello.token};
  self->request(s.scheduler, join_timeout, std::move(join))
      .await(
          [self](protocol::worker_registered& r) {
            auto& s = self->state;
            s.worker = r.worker;
            s.at = peer_state::phase::open;
            s.endpoint->link().established();
            s.endpoint->push(std::move(r));
            s.endpoint->flush();
            s.endpoint->link().resume_reading();
          },
          [self](caf::error& e) { not_joined(self, e); });
}

// Returns false once the peer has been refused.
bool greet(self_pointer self, protocol::message& m) {
  auto& s = self->state;
  if (s.at == peer_state::phase::greeting) {
    auto* hello = std::get_if<protocol::hello>(&m);
    if (!hello) return refuse(self, {errc::protocol, "the first message is not a hello", {}}), false;
    if (auto ok = check_hello(s, *hello); !ok) return refuse(self, ok.error()), false;
    s.hello = std::move(*hello);
    welcome(self);
    s.at = peer_state::phase::registering;
    if (s.hello.role == protocol::role::client) join_as_client(self);
    return true;
  }
  auto* info = std::get_if<protocol::register_worker>(&m);
  if (!info || s.hello.role != protocol::role::worker)
    return refuse(self, {errc::protocol, "a worker's second message is register_worker", {}}), false;
  join_as_worker(self, *info);
  return true;
}

// ---- messages ---------------------------------------------------------------------------------

using protocol::one_of;

template <class T>
constexpr bool from_clients =
    one_of<T, protocol::open_job, protocol::define_template, protocol::add_tasks,
           protocol::close_job, protocol::release_results, protocol::cancel, protocol::request>;
template <class T>
constexpr bool from_workers =
    one_of<T, protocol::started, protocol::finished, protocol::recalled, protocol::heartbeat,
           protocol::goodbye, protocol::response>;

bool may_send(protocol::role r, const protocol::message& m) {
  return std::visit(
      [r]<class T>(const T&) {
        return r == protocol::role::client ? from_clients<T> : from_workers<T>;
      },
      m);
}

// Gives the link what it takes. It goes on when the peer has granted more (a frame) or the link has
// drained; then too the next questions are asked, whose answers would only lie here.
void deliver(self_pointer self);

void answer(self_pointer self, std::uint64_t number, std::optional<failure> error, value body) {
  auto& s = self->state;
  --s.asked;
  s.box.push_back(protocol::response{number, std::move(error), std::move(body)});
  deliver(self);
}

void deliver(self_pointer self) {
  auto& s = self->state;
  while (!s.box.empty() && !s.endpoint->full()) {
    for (; !s.box.empty() && !s.endpoint->full(); s.box.pop_front())
      s.endpoint->push(std::move(s.box.front()));
    s.endpoint->flush();
  }
  s.endpoint->flush();
  while (s.box.empty() && !s.endpoint->full() && !s.questions.empty() && s.asked < max_asked) {
    auto r = std::move(s.questions.front());
    s.questions.pop_front();
    ++s.asked;
    control_query q{s.client, s.admin, std::move(r.method), std::move(r.parameters)};
    self->request(s.scheduler, answer_timeout, std::move(q))
        .then([self, n = r.number](value& body) { answer(self, n, std::nullopt, std::move(body)); },
              [self, n = r.number](caf::error& e) { answer(self, n, to_failure(e), {}); });
  }
}

void forward(self_pointer self, std::vector<protocol::message> messages) {
  auto& s = self->state;
  bool client = s.hello.role == protocol::role::client;
  std::vector<protocol::message> batch;
  std::size_t tasks = 0;
  auto pass = [&] {
    tasks = 0;
    if (batch.empty()) return;
    if (client)
      self->send(s.scheduler, client_batch{s.client, std::move(batch)});
    else
      self->send(s.scheduler, worker_batch{s.worker, std::move(batch)});
    batch.clear();
  };
  for (auto& m : messages) {
    if (auto* r = std::get_if<protocol::request>(&m); r && client) {
      pass();  // a question sees what was said before it
      if (s.questions.size() >= max_questions)
        return refuse(self, {errc::overloaded, "too many requests without waiting for answers", {}});
      s.questions.push_back(std::move(*r));
      deliver(self);
    } else if (may_send(s.hello.role, m)) {
      tasks += std::visit([](const auto& x) { return tasks_in(x); }, m);
      batch.push_back(std::move(m));
      if (tasks >= most_tasks_at_once) pass();
    } else {
      pass();
      return refuse(self, {errc::forbidden,
                           "a " + std::string{net::to_string(s.hello.role)} +
                               " may not send message " + std::to_string(m.index()), {}});
    }
  }
  pass();
}

void on_frame(self_pointer self, const std::string& bytes) {
  auto& s = self->state;
  std::vector<protocol::message> messages;
  if (auto ok = s.endpoint->receive(std::as_bytes(std::span{bytes}), messages); !ok)
    return refuse(self, ok.error());
  // Whoever waits for an answer before saying more sends these one by one.
  while (s.at != peer_state::phase::open && !messages.empty()) {
    if (s.client || s.worker) break;
    if (!greet(self, messages.front())) return;
    messages.erase(messages.begin());
    if (s.hello.role == protocol::role::client || messages.empty()) break;
  }
  if (!messages.empty()) {
    if (s.at != peer_state::phase::open)
      return refuse(self, {errc::protocol, "messages before the welcome", {}});
    forward(self, std::move(messages));
  }
  deliver(self);
}

peer_actor::behavior_type peer(self_pointer self, std::shared_ptr<net::link> link,
                               scheduler_actor scheduler, peer_options options) {
  auto& s = self->state;
  s.identity = link->peer().identity.value_or(
      net::identity{protocol::role::client, options.owner});  // TLS is off: on loopback only
  s.endpoint = std::make_unique<link_endpoint>(std::move(link), options.files);
  s.scheduler = scheduler;
  s.options = std::move(options);
  self->monitor(scheduler);
  self->set_down_handler([self](caf::down_msg&) {
    self->state.endpoint->link().close({errc::unavailable, "the head has stopped", {}});
  });
  self->set_exit_handler([self](caf::exit_msg& m) {
    self->state.endpoint->flush();
    self->state.endpoint->link().close();
    self->quit(std::move(m.reason));
  });
  return {
      [self](outbox& box) {
        auto& waiting = self->state.box;
        waiting.insert(waiting.end(), std::make_move_iterator(box.messages.begin()),
                       std::make_move_iterator(box.messages.end()));
        deliver(self);
      },
      [self](const frame_arrived& f) { on_frame(self, f.bytes); },
      [self](link_drained) { deliver(self); },
      [self](const link_closed&) { self->quit(); },
  };
}

}  // namespace

void spawn_peer(caf::actor_system& system, std::shared_ptr<net::link> link,
                const scheduler_actor& scheduler, const peer_options& options) {
  // The handlers hold the actor until the link is closed; on_closed lets go of it.
  auto holder = std::make_shared<peer_actor>(spawn_on_io<peer_actor, peer_state>(
      system, [link](std::function<void()> fn) { link->post(std::move(fn)); },
      [=](self_pointer self) { return peer(self, link, scheduler, options); }));
  net::link_handlers handlers;
  handlers.on_frame = [holder](std::span<const std::byte> frame) {
    caf::anon_send(*holder, frame_arrived{std::string(reinterpret_cast<const char*>(frame.data()),
                                                      frame.size())});
  };
  handlers.on_drained = [holder] { caf::anon_send(*holder, link_drained{}); };
  handlers.on_closed = [holder](const failure& why) { caf::anon_send(*holder, link_closed{why}); };
  link->start(std::move(handlers));
}

}  // namespace troupe::actors
