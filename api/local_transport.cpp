#include "api/local_transport.hpp"

#include <unistd.h>

#include <atomic>
#include <future>

#include "actors/errors.hpp"
#include "net/certificates.hpp"

namespace troupe::detail {
namespace {

using namespace actors;

// Tasks handed over in one message.
constexpr std::size_t take_budget = 65'536;
constexpr auto answer_timeout = std::chrono::seconds{60};

struct client_state {
  client_state() = default;
  static inline const char* name = "client";
  std::weak_ptr<client_session> session;
  std::shared_ptr<std::atomic<bool>> wake_pending;
  scheduler_actor scheduler;
  client_id client;
};

// Set on a thread while it runs the client actor's callbacks.
thread_local bool in_client_actor = false;
struct inside_client {
  inside_client() { in_client_actor = true; }
  ~inside_client() { in_client_actor = false; }
};

}  // namespace

// The last message: what the session still has is sent, then the actor ends. `sent` is kept, or goes
// unkept with an actor that has ended before.
struct leave {
  std::shared_ptr<client_session> session;
  std::shared_ptr<std::promise<void>> sent;
};

}  // namespace troupe::detail

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::detail::leave)

namespace troupe::detail {
namespace {

// To the client actor, beside outboxes: joined; the session has something to send; the end.
using client_actor = party_actor::extend<caf::reacts_to<client_id>, caf::reacts_to<flush_now>,
                                         caf::reacts_to<leave>>;
using self_pointer = client_actor::stateful_pointer<client_state>;

void ask(self_pointer self, protocol::request& r) {
  auto& s = self->state;
  auto reply = [session = s.session, number = r.number](std::optional<failure> error, value body) {
    auto strong = session.lock();
    if (!strong) return;
    inside_client inside;
    std::vector<protocol::message> messages;
    messages.emplace_back(protocol::response{number, std::move(error), std::move(body)});
    strong->received(messages);
  };
  control_query q{s.client, true, std::move(r.method), std::move(r.parameters)};
  self->request(s.scheduler, answer_timeout, std::move(q))
      .then([reply](value& body) { reply(std::nullopt, std::move(body)); },
            [reply](caf::error& e) { reply(to_failure(e), {}); });
}

void flush_from(self_pointer self, client_session& session) {
  auto& s = self->state;
  client_batch batch{s.client, {}};
  std::vector<protocol::message> out;
  for (session.take_outgoing(out, take_budget); !out.empty();
       session.take_outgoing(out, take_budget)) {
    for (auto& m : out) {
      if (auto* r = std::get_if<protocol::request>(&m)) {
        if (!batch.messages.empty()) self->send(s.scheduler, std::exchange(batch, {s.client, {}}));
        ask(self, *r);
      } else {
        batch.messages.push_back(std::move(m));
      }
    }
    out.clear();
  }
  if (!batch.messages.empty()) self->send(s.scheduler, std::move(batch));
}

client_actor::behavior_type client(self_pointer self, std::weak_ptr<client_session> session,
                                   scheduler_actor scheduler,
                                   std::shared_ptr<std::atomic<bool>> wake_pending) {
  auto& s = self->state;
  s.session = std::move(session);
  s.scheduler = scheduler;
  s.wake_pending = std::move(wake_pending);
  self->monitor(scheduler);
  self->set_down_handler([self](caf::down_msg&) {
    inside_client inside;
    if (auto strong = self->state.session.lock())
      strong->lost({errc::unavailable, "the cluster has stopped", {}});
    self->quit();
  });
  return {
      [self](outbox& box) {
        inside_client inside;
        if (auto strong = self->state.session.lock()) strong->received(box.messages);
      },
      [self](client_id id) {
        self->state.client = id;
        self->send(self, flush_now{});
      },
      [self](flush_now) {
        *self->state.wake_pending = false;
        if (auto strong = self->state.session.lock(); strong && self->state.client)
          flush_from(self, *strong);
      },
      [self](leave& l) {
        if (self->state.client) flush_from(self, *l.session);
        l.sent->set_value();
        self->quit();
      },
  };
}

class local_transport : public client_transport {
 public:
  local_transport(client_actor actor, std::weak_ptr<client_session> session,
                  std::shared_ptr<std::atomic<bool>> pending, std::string address)
      : actor_(std::move(actor)),
        session_(std::move(session)),
        wake_pending_(std::move(pending)),
        address_(std::move(address)) {}
  void wake() override {
    if (!wake_pending_->exchange(true)) caf::anon_send(actor_, flush_now{});
  }
  // In its turn, behind all that the actor was sent before: an exit message would overtake it.
  void close(std::chrono::nanoseconds patience) override {
    auto session = session_.lock();
    if (!session) return caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
    auto sent = std::make_shared<std::promise<void>>();
    auto done = sent->get_future();
    caf::anon_send(actor_, leave{std::move(session), std::move(sent)});
    if (!on_its_thread()) done.wait_for(patience);
  }
  bool on_its_thread() const override { return in_client_actor; }
  const std::string& address() const override { return address_; }

 private:
  client_actor actor_;
  std::weak_ptr<client_session> session_;
  std::shared_ptr<std::atomic<bool>> wake_pending_;
  std::string address_;
};

}  // namespace

result<std::shared_ptr<client_session>> connect_in_process(caf::actor_system& system,
                                                           const scheduler_actor& scheduler,
                                                           const std::string& address) {
  auto session = client_session::make("client:" + std::to_string(::getpid()));
  auto pending = std::make_shared<std::atomic<bool>>(false);
  auto weak = session->weak_from_this();
  auto actor = system.spawn(client, weak, scheduler, pending);
  session->attach(std::make_unique<local_transport>(actor, weak, pending, address));
  caf::scoped_actor self{system};
  join_client join{actor, session->incarnation(),
                   net::account_name(), true};
  std::optional<failure> trouble;
  self->request(scheduler, std::chrono::seconds{10}, std::move(join))
      .receive([&](client_id id) { caf::anon_send(actor, id); },
               [&](caf::error& e) { trouble = to_failure(e); });
  if (trouble) return tl::unexpected(*trouble);
  return session;
}

}  // namespace troupe::detail
