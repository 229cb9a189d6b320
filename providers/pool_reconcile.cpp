// The pool core's transitions and its way towards the target.
#include <algorithm>

#include "libruntime/units.hpp"
#include "providers/pool_state.hpp"

namespace troupe::providers {

namespace {

constexpr std::uint8_t lists_until_gone = 2;  // lists may lag behind the truth

}  // namespace

std::uint32_t pool_core::state::pending() const {
  return slots.count(launch_phase::requested) + slots.count(launch_phase::unknown) +
         slots.count(launch_phase::booting);
}

std::uint32_t pool_core::state::live() const {
  return pending() + slots.count(launch_phase::registered);
}

std::uint32_t pool_core::state::capped() const {
  return live() + slots.count(launch_phase::draining) + slots.unseen_terminating();
}

bool pool_core::state::in_doubt() const {
  return slots.count(launch_phase::unknown) > 0 || slots.unseen_terminating() > 0;
}

void pool_core::state::report(act::report::level level, std::string text) {
  out->push_back(act::report{level, "pool " + settings.pool + ": " + std::move(text)});
}

// ---- what happens to one launch ---------------------------------------------------------------

void pool_core::state::launch_succeeded(slot& s, const instance& i) {
  s.call_open = false;
  if (auto* other = slots.by_instance(i.id); other && other != &s)
    return launch_refused(s, {failure_class::invalid_request,
                              "the provider gave the instance " + i.id + " to two launches",
                              {}});
  slots.set_instance(s, i.id, now);
  if (s.phase == launch_phase::requested || s.phase == launch_phase::unknown)
    slots.move(s, launch_phase::booting, now);
  else if (s.phase == launch_phase::terminating)
    to_terminate.push_back(s.instance);
}

void pool_core::state::launch_refused(slot& s, const provider_failure& why) {
  s.call_open = false;
  s.known_at = now;
  if (why.kind == failure_class::ambiguous) {
    s.note = why.message;
    if (s.phase == launch_phase::requested) slots.move(s, launch_phase::unknown, now);
    next_list = std::min(next_list, now);
    return;
  }
  // A list or the worker itself may have shown that it exists after all.
  if (s.phase == launch_phase::requested || s.phase == launch_phase::unknown)
    start_failed(s, why);
  else if (s.phase == launch_phase::terminating && s.instance.empty())
    gone(s, why.message);
}

void pool_core::state::start_failed(slot& s, const provider_failure& why) {
  ++counters.failed_starts;
  backoff.start_failed(now, s.launched_at, why);
  report(act::report::level::warning,
         s.request + " did not start (" + std::string(to_string(why.kind)) + "): " + why.message);
  if (s.instance.empty() && !s.call_open)
    gone(s, why.message);
  else
    terminate(s, why.message, true);
}

void pool_core::state::terminate(slot& s, std::string note, bool deliberate) {
  slots.move(s, launch_phase::terminating, now);
  s.takeable = false;
  s.deliberate = deliberate;
  s.note = std::move(note);
  slots.set_deadline(s, now + settings.terminate_retry);
  if (!s.instance.empty()) to_terminate.push_back(s.instance);
}

void pool_core::state::begin_drain(slot& s, std::string note, bool takeable) {
  slots.move(s, launch_phase::draining, now);
  s.takeable = takeable;
  s.note = note;
  slots.set_deadline(s, now + settings.drain_deadline);
  out->push_back(act::drain_worker{s.worker, true, std::move(note)});
}

void pool_core::state::gone(slot& s, const std::string& reason) {
  const auto phase = s.phase;
  const auto launched_at = s.launched_at;
  const auto request = s.request;
  if (s.worker) out->push_back(act::worker_over{s.worker, reason, s.deliberate});
  tokens.revoke(request);
  ended.push_back(request);
  ended_at[request] = now;
  slots.erase(s);
  switch (phase) {
    case launch_phase::requested:
    case launch_phase::unknown:
    case launch_phase::booting:
      ++counters.failed_starts;
      backoff.start_failed(now, launched_at, {failure_class::transient, reason, {}});
      report(act::report::level::warning, request + " ended before it registered: " + reason);
      break;
    case launch_phase::registered:
      ++counters.deaths;
      backoff.died(now, reason);
      report(act::report::level::warning, "worker of " + request + " died: " + reason);
      break;
    case launch_phase::draining:
      report(act::report::level::info, "worker of " + request + " ended while draining: " + reason);
      break;
    case launch_phase::terminating:
      break;
  }
}

void pool_core::state::deadline_passed(slot& s) {
  switch (s.phase) {
    case launch_phase::requested:
    case launch_phase::unknown:
    case launch_phase::booting:
      ++counters.boot_timeouts;
      start_failed(s, {failure_class::transient,
                       "no worker registered within " + format_duration(settings.boot_deadline) +
                           (s.note.empty() ? "" : ": " + s.note),
                       {}});
      break;
    case launch_phase::draining:
      report(act::report::level::warning, "worker of " + s.request + " did not drain within " +
                                              format_duration(settings.drain_deadline) +
                                              "; what it runs is stopped and runs elsewhere");
      terminate(s, s.note, true);
      break;
    case launch_phase::terminating:
      slots.set_deadline(s, now + settings.terminate_retry);
      if (!s.instance.empty()) {
        to_terminate.push_back(s.instance);
        report(act::report::level::warning, s.request + " is not gone yet; ending it again");
      }
      if (now - s.since >= settings.call_deadline) s.call_open = false;  // never answered
      break;
    case launch_phase::registered:
      slots.set_deadline(s, {});
      break;
  }
}

// ---- what a list says -------------------------------------------------------------------------

void pool_core::state::seen(const instance& i, time_point asked_at) {
  auto* s = slots.by_request(i.request);
  if (!s) return found_unknown(i, asked_at);
  s->missing = 0;
  if (!s->instance.empty()) {
    if (s->instance != i.id) to_terminate.push_back(i.id);  // made twice for one request
    return;
  }
  if (slots.by_instance(i.id)) return;
  slots.set_instance(*s, i.id, now);
  if (s->phase == launch_phase::requested || s->phase == launch_phase::unknown)
    slots.move(*s, launch_phase::booting, now);
  else if (s->phase == launch_phase::terminating)
    to_terminate.push_back(i.id);
}

void pool_core::state::found_unknown(const instance& i, time_point asked_at) {
  if (auto at = ended_at.find(i.request); at != ended_at.end() && asked_at <= at->second) return;
  if (slots.by_instance(i.id)) return;
  const bool known_before = open_before.erase(i.request) > 0;
  if (settings.adopt && known_before && !stopping) {
    auto& s = slots.add(i.request, launch_phase::booting, now);
    slots.set_instance(s, i.id, now);
    slots.set_deadline(s, now + settings.boot_deadline);
    ++counters.adopted;
    report(act::report::level::info, "found " + i.request + " of an earlier start");
    return;
  }
  auto& s = slots.add(i.request, launch_phase::booting, now);
  slots.set_instance(s, i.id, now);
  ++counters.orphans_ended;
  report(act::report::level::warning, "ending " + i.request + ", which nobody is responsible for");
  terminate(s, "left over from an earlier start", true);
}

void pool_core::state::not_seen(slot& s, time_point asked_at) {
  if ((s.call_open && s.instance.empty()) || asked_at <= s.known_at) return;
  if (s.phase == launch_phase::registered && s.instance.empty()) return;  // it speaks: it exists
  if (++s.missing < lists_until_gone) {
    next_list = std::min(next_list, now + settings.list_interval / 10);
    return;
  }
  gone(s, s.instance.empty() ? "the provider doesn't know it" : "the provider no longer lists it");
}

void pool_core::state::first_list_done() {
  listed_once = true;
  for (const auto& request : open_before) ended.push_back(request);
  open_before.clear();
}

// ---- towards the target -----------------------------------------------------------------------

void pool_core::state::reconcile() {
  if (live() > target) call_off(live() - target);
  auto missing = target > live() ? target - live() : 0;
  if (missing > 0 && !stopping) {
    revive(missing);
    launch(std::min(missing, launchable()));
  }
  if (in_doubt()) next_list = std::min(next_list, now + settings.list_interval / 10);
  if (stopping && slots.empty() && !told_all_gone) {
    told_all_gone = true;
    out->push_back(act::all_gone{});
  }
}

// The youngest first: they have come least far.
void pool_core::state::call_off(std::uint32_t surplus) {
  for (auto phase : {launch_phase::requested, launch_phase::unknown, launch_phase::booting}) {
    if (surplus == 0 || slots.count(phase) == 0) continue;
    std::vector<slot*> chosen;
    for (auto it = slots.all().rbegin(); it != slots.all().rend() && chosen.size() < surplus; ++it)
      if (it->second.phase == phase) chosen.push_back(&it->second);
    for (auto* s : chosen) terminate(*s, "called off", true);
    surplus -= static_cast<std::uint32_t>(chosen.size());
  }
}

// A launch that was called off and has not been answered is as good as a new one.
void pool_core::state::revive(std::uint32_t& missing) {
  if (slots.unseen_terminating() == 0) return;
  for (auto& [number, s] : slots.all()) {
    if (missing == 0) return;
    const bool open = s.phase == launch_phase::terminating && s.call_open && s.instance.empty();
    const auto deadline = s.launched_at + settings.boot_deadline;
    if (!open || s.worker || s.told_to_stop || deadline <= now) continue;
    slots.move(s, launch_phase::requested, now);
    slots.set_deadline(s, deadline);
    s.deliberate = false;
    s.note.clear();
    --missing;
  }
}

std::uint32_t pool_core::state::launchable() const {
  if (!listed_once || backoff.waiting(now)) return 0;
  std::uint32_t n = settings.launch.max_pending - std::min(settings.launch.max_pending, pending());
  for (const auto& most : {max, ceiling})
    if (most) n = std::min(n, *most - std::min(*most, capped()));
  if (backoff.probing()) n = std::min(n, 1 - std::min(1u, pending()));
  return n;
}

void pool_core::state::launch(std::uint32_t n) {
  if (n == 0) return;
  act::record_launches record;
  act::launch call;
  for (std::uint32_t i = 0; i < n; ++i) {
    const auto number = slots.last_number() + 1;
    auto request =
        settings.pool + "." + std::to_string(settings.epoch.value) + "." + std::to_string(number);
    auto& s = slots.add(request, launch_phase::requested, now);
    s.call_open = true;
    slots.set_deadline(s, now + settings.boot_deadline);
    record.requests.push_back(request);
    auto token = tokens.issue(request, now + settings.boot_deadline);
    call.items.push_back({std::move(request), std::move(token)});
  }
  counters.launches += n;
  flush_terminates();  // what goes makes room for what comes
  out->push_back(std::move(record));
  out->push_back(std::move(call));
}

void pool_core::state::ask_for_list() {
  list_open = true;
  list_until = now + settings.call_deadline;
  out->push_back(act::list{});
}

void pool_core::state::flush_terminates() {
  if (to_terminate.empty()) return;
  std::sort(to_terminate.begin(), to_terminate.end());
  to_terminate.erase(std::unique(to_terminate.begin(), to_terminate.end()), to_terminate.end());
  out->push_back(act::terminate{std::move(to_terminate)});
  to_terminate.clear();
}

void pool_core::state::flush() {
  flush_terminates();
  if (!ended.empty()) {
    out->push_back(act::record_ends{std::move(ended)});
    ended.clear();
  }
  auto wake = list_open ? list_until : next_list;
  if (auto d = slots.next_deadline()) wake = std::min(wake, *d);
  if (target > live() && backoff.waiting(now)) wake = std::min(wake, backoff.until());
  wake = std::max(wake, now);
  if (last_wake && *last_wake == wake && wake > now) return;
  last_wake = wake;
  out->push_back(act::wake_at{wake});
}

}  // namespace troupe::providers
