// Events of the pool core; see pool_reconcile.cpp for what follows from them.
#include "providers/pool_core.hpp"

#include <algorithm>
#include <stdexcept>

#include "providers/pool_state.hpp"

namespace troupe::providers {

pool_core::state::state(pool_core_settings s, random_source random, std::vector<request_id> open)
    : settings(std::move(s)),
      tokens(std::move(random)),
      backoff(settings.launch, settings.seed),
      open_before(open.begin(), open.end()) {
  bound_settings();
}

// Zero would mean "again at once, for ever".
void pool_core::state::bound_settings() {
  for (auto* d : {&settings.boot_deadline, &settings.call_deadline, &settings.list_interval,
                  &settings.terminate_retry})
    *d = std::max<duration>(*d, std::chrono::milliseconds{10});
}

void pool_core::state::handle(const event::set_target& e) {
  if (stopping) return;
  target = std::min(e.target, e.max.value_or(e.target));
  max = e.max;
  ceiling = e.ceiling;
  for (auto id : e.take_back) {
    auto* s = slots.by_worker(id);
    if (!s || s->phase != launch_phase::draining || !s->takeable || live() >= target) continue;
    slots.move(*s, launch_phase::registered, now);
    slots.set_deadline(*s, {});
    s->note.clear();
    out->push_back(act::drain_worker{id, false, "wanted again"});
  }
  call_off(live() > target ? live() - target : 0);
  for (auto id : e.drain) {
    auto* s = slots.by_worker(id);
    if (s && s->phase == launch_phase::registered && live() > target)
      begin_drain(*s, "no longer needed", true);
  }
}

void pool_core::state::handle(const event::settings_changed& e) {
  settings.launch = e.launch;
  settings.boot_deadline = e.boot_deadline;
  settings.drain_deadline = e.drain_deadline;
  bound_settings();
  backoff.change(e.launch);
}

void pool_core::state::handle(const event::drain_requested& e) {
  auto* s = slots.by_worker(e.worker);
  if (!s) return note_stale();
  if (s->phase == launch_phase::registered) begin_drain(*s, "drained by hand", false);
  if (s->phase == launch_phase::draining) s->takeable = false;
}

void pool_core::state::handle(const event::launch_answered& e) {
  if (!e.result) {
    for (const auto& request : e.requests)
      if (auto* s = slots.by_request(request); s && s->call_open)
        launch_refused(*s, e.result.error());
    return;
  }
  for (const auto& outcome : e.result->outcomes) {
    auto* s = slots.by_request(outcome.request);
    if (!s) {
      // Given up on before it was answered; what it made is not wanted.
      if (outcome.result) to_terminate.push_back(outcome.result->id);
      note_stale();
    } else if (!s->call_open) {
      note_stale();
    } else if (outcome.result) {
      launch_succeeded(*s, *outcome.result);
    } else {
      launch_refused(*s, outcome.result.error());
    }
  }
  // What the answer doesn't mention is in doubt.
  for (const auto& request : e.requests)
    if (auto* s = slots.by_request(request); s && s->call_open)
      launch_refused(*s,
                     {failure_class::ambiguous, "the provider's answer doesn't mention it", {}});
}

void pool_core::state::handle(const event::listed& e) {
  list_open = false;
  next_list = now + settings.list_interval;
  if (!e.result) {
    report(act::report::level::warning, "listing instances failed: " + e.result.error().message);
    next_list = now + std::max(settings.list_interval / 10, e.result.error().retry_after);
    return;
  }
  std::set<slot_number> present;
  for (const auto& i : *e.result) {
    if (i.pool != settings.pool) continue;
    seen(i, e.asked_at);
    if (auto* s = slots.by_request(i.request)) present.insert(s->number);
  }
  std::vector<slot_number> absent;
  for (const auto& [number, s] : slots.all())
    if (present.count(number) == 0) absent.push_back(number);
  for (auto number : absent)
    if (auto at = slots.all().find(number); at != slots.all().end())
      not_seen(at->second, e.asked_at);
  if (!listed_once) first_list_done();
  std::erase_if(ended_at,
                [&](const auto& x) { return now - x.second > 2 * settings.call_deadline; });
}

void pool_core::state::handle(const event::terminate_answered& e) {
  if (e.result) return;
  report(act::report::level::warning, "ending " + std::to_string(e.instances.size()) +
                                          " instances failed: " + e.result.error().message);
  // Their deadlines repeat it.
}

void pool_core::state::handle(const event::instance_ended& e) {
  auto* s = slots.by_request(e.end.request);
  if (!s || (!s->instance.empty() && s->instance != e.end.id)) return note_stale();
  gone(*s, describe(e.end));
}

void pool_core::state::handle(const event::worker_registered& e) {
  auto* s = slots.by_request(e.request);
  if (!s || s->phase == launch_phase::terminating) {
    note_stale();
    if (s) s->told_to_stop = true;
    out->push_back(act::stop_worker{e.worker, "its launch has been given up"});
    return;
  }
  if (s->worker == e.worker) return;
  tokens.revoke(e.request);
  if (auto* other = slots.by_worker(e.worker)) slots.set_worker(*other, {});
  slots.set_worker(*s, e.worker);  // a later one is the same instance's worker, started again
  if (s->phase == launch_phase::registered || s->phase == launch_phase::draining) return;
  slots.move(*s, launch_phase::registered, now);
  slots.set_deadline(*s, {});
  s->note.clear();
  backoff.started(s->launched_at);
  ++counters.registrations;
  counters.launch_time.observe(now - s->launched_at);
}

void pool_core::state::handle(const event::worker_lost& e) {
  auto* s = slots.by_worker(e.worker);
  if (!s) return note_stale();
  if (s->phase == launch_phase::registered) {
    ++counters.deaths;
    backoff.died(now, e.reason);
    report(act::report::level::warning, "worker of " + s->request + " is lost: " + e.reason);
  }
  if (s->phase != launch_phase::terminating) terminate(*s, e.reason, e.deliberate);
}

void pool_core::state::handle(const event::drain_complete& e) {
  auto* s = slots.by_worker(e.worker);
  if (!s || s->phase == launch_phase::terminating) return note_stale();
  out->push_back(act::stop_worker{e.worker, s->note.empty() ? "drained" : s->note});
  terminate(*s, s->note.empty() ? "drained" : s->note, true);
}

void pool_core::state::handle(const event::shut_down& e) {
  stopping = true;
  target = 0;
  std::vector<slot_number> numbers;
  for (const auto& [number, s] : slots.all()) numbers.push_back(number);
  for (auto number : numbers) {
    auto at = slots.all().find(number);
    if (at == slots.all().end()) continue;
    auto& s = at->second;
    if (s.phase == launch_phase::terminating) continue;
    s.takeable = false;
    if (e.drain && s.phase == launch_phase::registered)
      begin_drain(s, "the cluster stops", false);
    else if (!e.drain || s.phase != launch_phase::draining)
      terminate(s, "the cluster stops", true);
  }
}

void pool_core::state::handle(const event::tick&) {
  last_wake.reset();  // the caller may have used it up by coming early: say it again
  while (auto* s = slots.due(now)) deadline_passed(*s);
  if (list_open && now >= list_until) list_open = false;  // never answered
  if (!list_open && now >= next_list) ask_for_list();
}

// ---- the outside ------------------------------------------------------------------------------

pool_core::pool_core(pool_core_settings settings, random_source random,
                     std::vector<request_id> open_launches)
    : state_(std::make_unique<state>(std::move(settings), std::move(random),
                                     std::move(open_launches))) {}
pool_core::~pool_core() = default;
pool_core::pool_core(pool_core&&) noexcept = default;
pool_core& pool_core::operator=(pool_core&&) noexcept = default;

void pool_core::handle(const pool_event& e, time_point now, pool_actions& out) {
  auto& s = *state_;
  s.now = now;
  s.out = &out;
  std::visit([&](const auto& x) { s.handle(x); }, e);
  s.reconcile();
  s.flush();
  s.out = nullptr;
}

result<request_id> pool_core::redeem_token(std::string_view token, time_point now) {
  auto r = state_->tokens.redeem(token, now);
  if (!r) ++state_->counters.tokens_refused;
  return r;
}

autoscaler::pool_status pool_core::status() const {
  const auto& s = *state_;
  autoscaler::pool_status r;
  r.name = s.settings.pool;
  r.target = s.target;
  r.requested = s.slots.count(launch_phase::requested) + s.slots.count(launch_phase::unknown);
  r.booting = s.slots.count(launch_phase::booting);
  r.registered = s.slots.count(launch_phase::registered);
  r.draining = s.slots.count(launch_phase::draining);
  r.terminating = s.slots.count(launch_phase::terminating);
  r.probing = s.backoff.probing();
  r.backoff = s.backoff.view();
  if (r.backoff && r.backoff->until <= s.now && !r.probing) r.backoff.reset();
  if (r.draining > 0)  // those that began last have the most left of what they were doing
    for (auto it = s.slots.all().rbegin(); it != s.slots.all().rend(); ++it)
      if (it->second.phase == launch_phase::draining && it->second.takeable)
        r.takeable.push_back(it->second.worker);
  return r;
}

std::vector<launch_view> pool_core::launches() const {
  std::vector<launch_view> views;
  for (const auto& [number, s] : state_->slots.all())
    views.push_back({s.request, s.instance, s.phase, s.worker, s.since, s.note});
  return views;
}

const pool_counters& pool_core::counters() const {
  return state_->counters;
}

void pool_core::check_invariants() const {
  const auto& s = *state_;
  s.slots.check_invariants();
  if (!s.listed_once && s.slots.count(launch_phase::requested) > 0)
    throw std::logic_error("launched before the first list was answered");
  if (s.tokens.open() > s.slots.all().size())
    throw std::logic_error("more launch tokens than launches");
}

std::vector<instance_id> of_unknown_pools(const std::vector<instance>& listed,
                                          const std::vector<std::string>& pools) {
  std::vector<instance_id> ids;
  for (const auto& i : listed)
    if (std::find(pools.begin(), pools.end(), i.pool) == pools.end()) ids.push_back(i.id);
  return ids;
}

}  // namespace troupe::providers
