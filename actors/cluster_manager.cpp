#include "actors/cluster_manager.hpp"

#include <sys/random.h>

#include <cstdlib>
#include <limits>

#include "actors/errors.hpp"

namespace troupe::actors {
namespace {

using self_pointer = manager_actor::stateful_pointer<manager_state>;
namespace act = providers::act;
namespace event = providers::event;

void random_bytes(std::span<std::byte> out) {
  // At most 256 bytes a call never fails once the kernel's pool is ready; without it there is no
  // safe token to be had.
  for (std::size_t at = 0; at < out.size();) {
    auto n = ::getrandom(out.data() + at, std::min<std::size_t>(out.size() - at, 256), 0);
    if (n < 0) std::abort();
    at += static_cast<std::size_t>(n);
  }
}

void handle(self_pointer self, providers::pool_event e);

// Answers of the provider come from its own threads.
template <class Event>
auto tell(self_pointer self) {
  return [handle = caf::actor_cast<manager_actor>(self)](Event e) {
    caf::anon_send(handle, providers::pool_event{std::move(e)});
  };
}

void publish(self_pointer self, std::string text) {
  protocol::event_record e;
  e.kind = protocol::event_kind::pool_changed;
  e.pool = self->state.options.pool.name;
  e.text = std::move(text);
  self->send(self->state.scheduler, std::move(e));
}

struct performer {
  self_pointer self;
  manager_state& s;
  bool recorded = true;  // the record_launches before a launch was durable

  time_point deadline() const { return clock::now() + s.options.core.call_deadline; }

  void operator()(act::record_launches& a) {
    auto ok = s.options.ledger->launched(a.requests);
    recorded = ok.has_value();
    if (!ok) publish(self, "can't write the launch ledger, so nothing is launched: " + ok.error().message);
  }
  void operator()(act::record_ends& a) {
    if (auto ok = s.options.ledger->ended(a.requests); !ok)
      publish(self, "can't write the launch ledger: " + ok.error().message);
  }
  void operator()(act::launch& a) {
    std::vector<providers::request_id> requests;
    for (const auto& item : a.items) requests.push_back(item.request);
    auto answered = [to = tell<event::launch_answered>(self), requests](
                        providers::answer<providers::launched> r) { to({requests, std::move(r)}); };
    if (!std::exchange(recorded, true))
      return answered(providers::refuse(providers::failure_class::transient,
                                        "the launch ledger can't be written"));
    providers::launch_request request{s.options.core.cluster, s.options.pool.name,
                                      std::move(a.items), s.options.command, {}};
    s.options.provider->launch(std::move(request), deadline(), answered);
  }
  void operator()(act::list&) {
    s.options.provider->list(
        deadline(), [to = tell<event::listed>(self), asked = clock::now()](
                        providers::answer<std::vector<providers::instance>> r) {
          to({asked, std::move(r)});
        });
  }
  void operator()(act::terminate& a) {
    auto ids = a.instances;
    s.options.provider->terminate(
        std::move(a.instances), deadline(),
        [to = tell<event::terminate_answered>(self), ids](providers::answer<providers::done> r) {
          to({ids, std::move(r)});
        });
  }
  void operator()(act::drain_worker& a) {
    self->send(s.scheduler, drain_order{a.worker, a.on, a.reason});
  }
  void operator()(act::stop_worker& a) { self->send(s.scheduler, stop_order{a.worker, a.reason}); }
  void operator()(act::worker_over& a) {
    self->send(s.scheduler, worker_over{a.worker, a.reason, a.deliberate});
  }
  void operator()(act::report& a) { publish(self, std::move(a.text)); }
  void operator()(act::wake_at& a) {
    if (a.when >= s.wake_at) return;
    s.wake_at = a.when;
    self->delayed_send(self, std::max(a.when - clock::now(), duration::zero()),
                       wake_up{++s.wake_generation});
  }
  void operator()(act::all_gone&) {
    if (s.options.on_all_gone) s.options.on_all_gone(s.options.pool.name);
  }
};

// What can be said of a pool whatever its workers do.
pool_report report_of(const manager_options& options, std::optional<std::uint32_t> max) {
  const auto& pool = options.pool;
  pool_report r;
  r.status.name = pool.name;
  r.provider = std::string{provider_type(pool.provider)};
  r.min = pool.min;
  r.max = max;
  r.offer.name = pool.name;
  r.offer.enabled = !max || *max > 0;
  r.offer.worker_resources = options.worker_resources;
  r.offer.functions = options.functions;
  r.offer.functions_known = options.functions_known;
  r.offer.max_workers = max.value_or(std::numeric_limits<std::uint32_t>::max());
  return r;
}

void report(self_pointer self) {
  auto& s = self->state;
  auto r = report_of(s.options, s.max);
  r.status = s.core->status();
  r.counters = s.core->counters();
  r.offer.workers = r.status.registered + r.status.launching() + r.status.draining;
  if (r.status.backoff) {
    auto left = std::max(r.status.backoff->until - clock::now(), duration::zero());
    r.offer.trouble = "backing off for " +
                      std::to_string(static_cast<long>(to_seconds(left) + 0.999)) +
                      " s after failed starts: " + r.status.backoff->reason;
  }
  self->send(s.scheduler, r);
  self->send(s.autoscaler, std::move(r));
}

void handle(self_pointer self, providers::pool_event e) {
  auto& s = self->state;
  if (auto* target = std::get_if<event::set_target>(&e)) s.max = target->max;
  providers::pool_actions out;
  s.core->handle(e, clock::now(), out);
  performer perform{self, s};
  for (auto& a : out) std::visit(perform, a);
  report(self);
}

}  // namespace

pool_report first_report(const manager_options& options) {
  return report_of(options, options.pool.max);
}

manager_actor::behavior_type cluster_manager(self_pointer self, manager_options options,
                                             scheduler_actor scheduler,
                                             autoscaler_actor autoscaler) {
  auto& s = self->state;
  s.scheduler = std::move(scheduler);
  s.autoscaler = std::move(autoscaler);
  s.max = options.pool.max;
  s.core = std::make_unique<providers::pool_core>(options.core, random_bytes,
                                                  options.ledger->open_launches());
  s.options = std::move(options);
  s.options.provider->on_end([weak = caf::actor_cast<caf::weak_actor_ptr>(self)](
                                 const providers::instance_end& end) {
    if (auto strong = caf::actor_cast<caf::strong_actor_ptr>(weak))
      caf::anon_send(caf::actor_cast<manager_actor>(strong),
                     providers::pool_event{event::instance_ended{end}});
  });
  self->attach_functor([provider = s.options.provider] { provider->on_end({}); });
  handle(self, event::tick{});
  return {
      [self](const providers::pool_event& e) { handle(self, e); },
      [self](const redeem_token& t) -> caf::result<std::string> {
        auto request = self->state.core->redeem_token(t.token, clock::now());
        if (!request) return to_error(request.error());
        return *request;
      },
      [self](new_pool_settings& n) {
        const auto& p = self->state.options.pool = std::move(n.pool);
        handle(self, event::settings_changed{p.launch, p.boot_deadline,
                                             p.autoscaler.scale_down.drain_deadline});
      },
      [self](get_launches) -> launches_ptr {
        return std::make_shared<const std::vector<providers::launch_view>>(
            self->state.core->launches());
      },
      [self](wake_up w) {
        if (w.generation != self->state.wake_generation) return;
        self->state.wake_at = time_point::max();
        handle(self, event::tick{});
      },
  };
}

}  // namespace troupe::actors
