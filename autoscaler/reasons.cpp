// Decisions in words: what was wanted, what there is, what is done, and what would change it.
#include "autoscaler/reasons.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "autoscaler/words.hpp"
#include "libruntime/units.hpp"

namespace troupe::autoscaler {

namespace {

std::string demand(const decision& d) {
  const auto waiting = d.ready + d.assigned;
  auto text = std::to_string(waiting) + (waiting == 1 ? " task waits" : " tasks wait");
  if (d.running > 0) text += ", " + std::to_string(d.running) + " run";
  return text + " (" + seconds(d.work_seconds) + " of work)";
}

std::string wanted_and_there(const sizing& s) {
  auto text = workers(s.out.wanted) + " wanted, " + std::to_string(s.out.registered) + " there";
  if (s.out.launching > 0) text += ", " + std::to_string(s.out.launching) + " starting";
  return text;
}

cause cause_of_growth(const pool_facts& f, const sizing& s) {
  if (f.backing_off) return cause::backing_off;
  if (f.fixed) return cause::manual;
  if (s.out.target <= f.min && s.stabilized < s.out.target)
    return f.scheduled >= f.min && f.min > s.out.min ? cause::scheduled : cause::minimum;
  return s.out.target > s.out.queue && s.out.for_signals > 0 ? cause::signal : cause::demand;
}

cause cause_of(shared_cap cap) {
  return cap == shared_cap::budget ? cause::budget : cause::total;
}

std::string_view words_of(shared_cap cap) {
  return cap == shared_cap::budget ? "the budget allows no more"
                                   : "the maximum of all pools together is reached";
}

// "; 3 of them for signal \"latency\"".
std::string signals_part(const sizing& s) {
  if (s.out.for_signals == 0 || s.out.signal.empty()) return {};
  return "; " + std::to_string(s.out.for_signals) + " of them for signal \"" + s.out.signal + "\"";
}

cause cause_of_staying(const pool_facts& f, const sizing& s) {
  if (s.paused) return cause::paused;
  if (s.rate_limited) return cause::rate_limited;
  if (f.backing_off && s.blocked > 0) return cause::backing_off;
  if (s.capped != shared_cap::none) return cause_of(s.capped);
  if (f.capped != shared_cap::none && f.current < std::max(s.out.min, f.scheduled.value_or(0)))
    return cause_of(f.capped);
  if (f.fixed) return cause::manual;
  if (s.tolerated && s.out.wanted <= f.current) return cause::tolerance;
  if (s.cooling) return cause::cooldown;
  if (s.out.wanted > f.current) {
    if (f.capped != shared_cap::none && f.max <= f.current) return cause_of(f.capped);
    return s.out.wanted > s.limited && s.limited == f.max ? cause::maximum : cause::stabilizing;
  }
  if (s.limited < f.current || (s.out.wanted < f.current && f.current > f.min))
    return s.out.idle > 0 || s.out.launching > 0 ? cause::waiting_idle : cause::busy;
  return cause::steady;
}

cause cause_of_maximum(const pool_facts& f) {
  return f.capped == shared_cap::none ? cause::maximum : cause_of(f.capped);
}

std::string growth_text(time_point now, const pool_facts& f, const sizing& s, const decision& d) {
  std::string text;
  switch (s.out.cause) {
    case cause::minimum:
      text = workers(f.current) + ", the minimum is " + std::to_string(f.min);
      break;
    case cause::scheduled:
      text = workers(f.current) + ", the schedule's minimum is " + std::to_string(f.min) + " now";
      break;
    case cause::manual:
      text = "the size is set to " + std::to_string(f.max) + ", " + std::to_string(f.current) +
             " there";
      break;
    case cause::signal:
      text = wanted_and_there(s) + signals_part(s);
      break;
    default:
      text = demand(d) + ": " + wanted_and_there(s) + signals_part(s);
      break;
  }
  if (!s.out.take_back.empty())
    text += "; take back " + std::to_string(s.out.take_back.size()) + " draining";
  if (s.out.launch > 0) text += "; launch " + std::to_string(s.out.launch);
  if (f.backing_off)
    text += "; backing off for " + seconds(to_seconds(f.status->backoff->until - now)) + ": " +
            f.status->backoff->reason;
  else if (s.rate_limited)
    text += "; the rate limit allows no more now";
  else if (s.capped != shared_cap::none)
    text += "; " + std::string{words_of(s.capped)};
  return text;
}

std::string shrink_text(const pool_facts& f, const sizing& s) {
  auto text = wanted_and_there(s);
  if (f.fixed)
    text =
        "the size is set to " + std::to_string(f.max) + ", " + std::to_string(f.current) + " there";
  if (s.out.cancel > 0) text += "; cancel " + std::to_string(s.out.cancel) + " starting";
  if (!s.out.drain.empty()) {
    text += "; drain " + workers(s.out.drain.size());
    if (s.forced > 0 && f.capped != shared_cap::none)
      text += ", " + std::string{words_of(f.capped)};
    else if (s.forced > 0)
      text += ", the maximum is " + std::to_string(f.max);
    else
      text += " idle for " + seconds(to_seconds(s.longest_idle));
  }
  return text;
}

// Idle workers that stay beyond their idle timeout; see retention.hpp.
std::string kept_text(time_point now, const sizing& s) {
  if (s.out.kept_until <= now) return {};
  return ", and kept for " + seconds(to_seconds(s.out.kept_until - now)) +
         " more: lately they were wanted again that soon";
}

std::string staying_text(time_point now, const pool_facts& f, const sizing& s) {
  switch (s.out.cause) {
    case cause::paused:
      return wanted_and_there(s) + "; scaling is paused";
    case cause::rate_limited:
      return wanted_and_there(s) + "; the rate limit allows no change now";
    case cause::backing_off:
      return wanted_and_there(s) + "; backing off for " +
             seconds(to_seconds(f.status->backoff->until - now)) + ": " + f.status->backoff->reason;
    case cause::manual:
      return "the size is set to " + std::to_string(f.max);
    case cause::tolerance:
      return s.out.wanted < f.current
                 ? wanted_and_there(s) + "; the difference is within the tolerance"
                 : "the work takes little longer than the target duration";
    case cause::maximum:
      return wanted_and_there(s) + "; the maximum is " + std::to_string(f.max);
    case cause::total:
      return wanted_and_there(s) + "; " + std::string{words_of(shared_cap::workers)};
    case cause::budget:
      return wanted_and_there(s) + "; " + std::string{words_of(shared_cap::budget)};
    case cause::cooldown:
      return "no work; the last worker stays for " +
             format_duration(f.policy->scaling.scale_down.zero_cooldown) + " after the last";
    case cause::stabilizing:
      return wanted_and_there(s) + "; not for long enough yet";
    case cause::waiting_idle:
      return wanted_and_there(s) + "; idle for " + seconds(to_seconds(s.longest_idle)) + " of " +
             format_duration(f.policy->scaling.scale_down.idle_timeout) + kept_text(now, s);
    case cause::busy:
      return wanted_and_there(s) + "; all are at work";
    default:
      return s.out.wanted == 0 ? "nothing to do" : wanted_and_there(s) + signals_part(s);
  }
}

}  // namespace

void explain(time_point now, const pool_facts& f, sizing& s, const decision& whole) {
  switch (s.out.direction) {
    case direction::up:
      s.out.cause = cause_of_growth(f, s);
      s.out.reason = growth_text(now, f, s, whole);
      break;
    case direction::down:
      s.out.cause = f.fixed               ? cause::manual
                    : s.forced > 0        ? cause_of_maximum(f)
                    : s.out.drain.empty() ? cause::surplus
                                          : cause::idle;
      s.out.reason = shrink_text(f, s);
      break;
    case direction::none:
      s.out.cause = cause_of_staying(f, s);
      s.out.reason = staying_text(now, f, s);
      break;
  }
}

std::string summary(const decision& d) {
  std::string text;
  for (const auto& p : d.pools) {
    if (p.direction == direction::none) continue;
    text += (text.empty() ? "" : "; ") + p.pool + " to " + std::to_string(p.target);
  }
  if (text.empty()) text = "no change";
  for (const auto& x : d.signals)
    if (x.trouble != signal_trouble::none)
      text += "; signal " + x.name + " is unavailable (" + std::string{to_string(x.trouble)} + ")";
  for (const auto& u : d.unplaced)
    text += "; " + std::to_string(u.tasks) + " of " + u.function + " wait: " + u.reason;
  return text;
}

}  // namespace troupe::autoscaler
