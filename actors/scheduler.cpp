#include "actors/scheduler.hpp"

#include "actors/control.hpp"
#include "actors/errors.hpp"

namespace troupe::actors {
namespace {

using self_pointer = scheduler_actor::stateful_pointer<scheduler_state>;

constexpr auto ask_timeout = std::chrono::seconds{10};

void queue(self_pointer self, scheduler::event e) {
  auto& s = self->state;
  s.pending.push_back(std::move(e));
  if (s.flush_queued) return;
  // Behind everything that is in the mailbox by now: those events join this batch.
  s.flush_queued = true;
  self->send(self, flush_now{});
}

void send_boxes(self_pointer self) {
  auto& s = self->state;
  for (auto& [id, box] : s.to_clients)
    if (auto c = s.clients.find(id); c != s.clients.end() && !box.empty())
      self->send(c->second.party, outbox{std::move(box)});
  for (auto& [id, box] : s.to_workers)
    if (auto w = s.workers.find(id); w != s.workers.end() && w->second.party && !box.empty())
      self->send(w->second.party, outbox{std::move(box)});
  s.to_clients.clear();
  s.to_workers.clear();
}

// ---- actions ----------------------------------------------------------------------------------
// One overload an action: a missing one does not compile.

struct performer {
  self_pointer self;
  scheduler_state& s;

  void operator()(scheduler::to_client& a) {
    std::visit([&](auto& m) { s.to_clients[a.client.value].push_back(std::move(m)); }, a.message);
  }
  void operator()(scheduler::to_worker& a) {
    std::visit([&](auto& m) { s.to_workers[a.worker.value].push_back(std::move(m)); }, a.message);
  }
  void operator()(scheduler::drain_complete& a) {
    tell_manager(a.worker, providers::event::drain_complete{a.worker});
  }
  void operator()(scheduler::worker_lease_expired& a) {
    tell_manager(a.worker, providers::event::worker_lost{
                               a.worker, "no word from it until its lease ended", false});
  }
  void operator()(scheduler::demand_unmet&) {
    // Until it looks, one notice says it all.
    if (s.autoscaler && !std::exchange(s.demand_noticed, true))
      self->send(s.autoscaler, demand_notice{});
  }
  void operator()(scheduler::spill_result& a) {
    self->request(s.spiller, caf::infinite, spill{a.bytes})
        .then(
            [self = self, task = a.task](value& stored) {
              self->state.spilled_bytes += stored.size();
              queue(self, scheduler::result_spilled{task, std::move(stored)});
            },
            [self = self, task = a.task](const caf::error& e) {  // it stays in memory
              queue(self, scheduler::result_not_spilled{task, to_failure(e).message});
            });
  }
  void operator()(scheduler::publish_events& a) {
    for (auto& e : a.items) publish(self, std::move(e));
  }
  void operator()(scheduler::wake_at& a) {
    if (a.when >= s.wake_at) return;
    s.wake_at = a.when;
    auto delay = std::max(a.when - clock::now(), duration::zero());
    self->delayed_send(self, delay, wake_up{++s.wake_generation});
  }

  void tell_manager(worker_id worker, providers::pool_event e) {
    auto w = s.workers.find(worker.value);
    if (w == s.workers.end()) return;
    if (auto m = s.managers.find(w->second.pool); m != s.managers.end())
      self->send(m->second, std::move(e));
    else if (std::holds_alternative<providers::event::drain_complete>(e))
      self->send(w->second.party, outbox{{protocol::stop{"drained"}}});  // started by hand
  }

  static void publish(self_pointer self, protocol::event_record e) {
    auto& s = self->state;
    e.number = s.next_event++;
    e.at_us = std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count();
    for (auto& [id, c] : s.clients) {
      if (!c.wants_events) continue;
      auto& box = s.to_clients[id];
      if (box.empty() || !std::holds_alternative<protocol::events>(box.back()))
        box.push_back(protocol::events{});
      std::get<protocol::events>(box.back()).items.push_back(e);
    }
    s.events.push_back(std::move(e));
    if (s.events.size() > s.options.event_history) s.events.pop_front();
  }
};

void flush(self_pointer self) {
  auto& s = self->state;
  auto begin = clock::now();
  scheduler::actions out;
  auto batch = std::exchange(s.pending, {});
  s.pending_tasks = 0;
  s.core->handle(batch, begin, out);
  performer perform{self, s};
  for (auto& a : out) std::visit(perform, a);
  send_boxes(self);
  s.loop.observe(clock::now() - begin);
}

template <class Event>
void queue_message(self_pointer self, Event e) {
  auto& s = self->state;
  s.pending_tasks += std::visit([](const auto& m) { return tasks_in(m); }, e.message);
  queue(self, std::move(e));
  if (s.pending_tasks >= most_tasks_at_once) flush(self);
}

// ---- parties ----------------------------------------------------------------------------------

client_id add_client(self_pointer self, const join_client& j) {
  auto& s = self->state;
  client_id id{s.next_client++};
  self->monitor(j.party);
  s.clients_by_party[j.party.address()] = id;
  s.clients[id.value] = {j.party, j.incarnation, j.owner, j.admin, false};
  queue(self, scheduler::client_joined{id, j.incarnation, j.owner, j.admin});
  return id;
}

// The entry of the same process on an earlier link, if it is still known.
std::optional<worker_id> find_incarnation(const scheduler_state& s, std::uint64_t incarnation) {
  for (const auto& [id, w] : s.workers)
    if (w.incarnation == incarnation) return worker_id{id};
  return std::nullopt;
}

protocol::worker_registered add_worker(self_pointer self, join_worker& j, std::string instance) {
  auto& s = self->state;
  auto known = find_incarnation(s, j.info.incarnation);
  auto id = known.value_or(worker_id{s.next_worker});
  if (!known) ++s.next_worker;
  auto& w = s.workers[id.value];
  if (w.party) {  // its old link is still here: half open, so the new one counts
    s.workers_by_party.erase(w.party.address());
    self->demonitor(w.party.address());
    self->send_exit(w.party, caf::exit_reason::user_shutdown);
  }
  if (!instance.empty()) w.instance = std::move(instance);
  if (j.info.name.empty()) j.info.name = j.info.pool + "-" + std::to_string(id.value);
  w.party = j.party;
  w.incarnation = j.info.incarnation;
  w.name = j.info.name;
  w.pool = j.info.pool;
  w.host = j.info.host;
  w.pid = j.info.pid;
  w.log_dir = j.info.log_dir;
  self->monitor(j.party);
  s.workers_by_party[j.party.address()] = id;
  if (!known && !w.instance.empty())
    if (auto m = s.managers.find(w.pool); m != s.managers.end())
      self->send(m->second, providers::pool_event{
                                providers::event::worker_registered{w.instance, id}});
  queue(self, scheduler::worker_joined{id, j.info, w.instance});
  return {id, s.options.epoch, w.name};
}

caf::result<protocol::worker_registered> register_worker(self_pointer self, join_worker& j) {
  auto& s = self->state;
  if (j.token.empty() || find_incarnation(s, j.info.incarnation))
    return add_worker(self, j, {});
  auto manager = s.managers.find(j.info.pool);
  if (manager == s.managers.end())
    return to_error({errc::unauthenticated, "a launch token for \"" + j.info.pool +
                                                "\", which is no pool of this cluster", {}});
  auto promise = self->make_response_promise<protocol::worker_registered>();
  self->request(manager->second, ask_timeout, redeem_token{j.token})
      .then(
          [=, j = std::move(j)](std::string& instance) mutable {
            promise.deliver(add_worker(self, j, std::move(instance)));
          },
          [=](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

void party_gone(self_pointer self, const caf::actor_addr& party) {
  auto& s = self->state;
  if (auto c = s.clients_by_party.find(party); c != s.clients_by_party.end()) {
    queue(self, scheduler::client_left{c->second});
    s.clients.erase(c->second.value);
    s.clients_by_party.erase(c);
  } else if (auto w = s.workers_by_party.find(party); w != s.workers_by_party.end()) {
    queue(self, scheduler::worker_disconnected{w->second});
    if (auto entry = s.workers.find(w->second.value); entry != s.workers.end())
      entry->second.party = nullptr;
    s.workers_by_party.erase(w);
  }
}

void forget_worker(self_pointer self, worker_id id, std::string reason, bool deliberate) {
  auto& s = self->state;
  auto w = s.workers.find(id.value);
  if (w == s.workers.end()) return;
  if (w->second.party) {
    s.workers_by_party.erase(w->second.party.address());
    self->demonitor(w->second.party.address());
    self->send_exit(w->second.party, caf::exit_reason::user_shutdown);
  }
  s.workers.erase(w);
  queue(self, scheduler::worker_died{id, std::move(reason), deliberate});
}

// It ended in order: with an instance, the manager confirms that nothing is left of it.
void said_goodbye(self_pointer self, worker_id id, const std::string& reason) {
  auto& s = self->state;
  auto w = s.workers.find(id.value);
  if (w == s.workers.end()) return;
  auto m = s.managers.find(w->second.pool);
  if (w->second.instance.empty() || m == s.managers.end())
    return forget_worker(self, id, reason, true);
  self->send(m->second, providers::pool_event{providers::event::worker_lost{id, reason, true}});
}

// ---- messages ---------------------------------------------------------------------------------

struct from_client_visitor {
  self_pointer self;
  client_id client;

  template <class T>
  void operator()(T& m) {
    if constexpr (requires { scheduler::from_client{client, {std::move(m)}}; })
      queue_message(self, scheduler::from_client{client, {std::move(m)}});
    // Anything else was refused by the peer; a local client sends nothing else.
  }
};

struct from_worker_visitor {
  self_pointer self;
  worker_id worker;

  void operator()(protocol::goodbye& m) { said_goodbye(self, worker, m.reason); }
  template <class T>
  void operator()(T& m) {
    if constexpr (requires { scheduler::from_worker{worker, {std::move(m)}}; })
      queue_message(self, scheduler::from_worker{worker, {std::move(m)}});
  }
};

void tell_pools(self_pointer self) {
  auto& s = self->state;
  scheduler::pools_changed changed;
  for (const auto& [name, report] : s.pools) changed.pools.push_back(report.offer);
  queue(self, std::move(changed));
}

}  // namespace

scheduler_state::scheduler_state() : started_at(std::chrono::system_clock::now()) {}
scheduler_state::~scheduler_state() = default;

void queue_event(self_pointer self, scheduler::event e) { queue(self, std::move(e)); }

scheduler_actor::behavior_type scheduler(self_pointer self, scheduler_options options) {
  auto& state = self->state;
  state.core = std::make_unique<scheduler::core>(options.core);
  state.options = std::move(options);
  state.log_reader = self->spawn<caf::detached + caf::linked>(log_reader);
  state.spiller = self->spawn<caf::detached + caf::linked>(result_spiller, state.options.files);
  self->set_down_handler([self](caf::down_msg& down) { party_gone(self, down.source); });

  return {
      [self](const join_client& j) { return add_client(self, j); },
      [self](join_worker& j) { return register_worker(self, j); },
      [self](client_batch& b) {
        for (auto& m : b.messages) std::visit(from_client_visitor{self, b.client}, m);
      },
      [self](worker_batch& b) {
        for (auto& m : b.messages) std::visit(from_worker_visitor{self, b.worker}, m);
      },
      [self](const drain_order& o) {
        queue(self, scheduler::drain_worker{o.worker, o.on, o.reason});
      },
      [self](const stop_order& o) {
        auto w = self->state.workers.find(o.worker.value);
        if (w != self->state.workers.end() && w->second.party)
          self->send(w->second.party, outbox{{protocol::stop{o.reason}}});
      },
      [self](const worker_over& o) { forget_worker(self, o.worker, o.reason, o.deliberate); },
      [self](pool_report& r) {
        self->state.pools[r.status.name] = std::move(r);
        tell_pools(self);
      },
      [self](const cast& c) {
        // A manager's own report may have come first, and knows more.
        for (const auto& r : c.pools) self->state.pools.try_emplace(r.status.name, r);
        tell_pools(self);
        self->state.autoscaler = c.autoscaler;
        self->state.demand_noticed = false;
        self->state.config = c.config;
        self->state.managers = {c.managers.begin(), c.managers.end()};
      },
      [self](protocol::event_record& e) {
        performer::publish(self, std::move(e));
        send_boxes(self);
      },
      [self](scaling_paused p) { self->state.paused = p; },
      [self](get_snapshot) -> snapshot_ptr {
        self->state.demand_noticed = false;
        return std::make_shared<load_snapshot>(self->state.core->snapshot(clock::now()));
      },
      [self](get_metrics) { return metrics_of(self->state); },
      [self](const control_query& q) {
        if (!self->state.pending.empty()) flush(self);  // a question sees what was said before it
        return answer_control(self, q);
      },
      [self](flush_now) {
        self->state.flush_queued = false;
        if (!self->state.pending.empty()) flush(self);
      },
      [self](wake_up w) {
        if (w.generation != self->state.wake_generation) return;
        self->state.wake_at = time_point::max();
        queue(self, scheduler::tick{});
      },
  };
}

}  // namespace troupe::actors
