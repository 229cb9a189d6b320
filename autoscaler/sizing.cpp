// See sizing.hpp.
#include "autoscaler/sizing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace troupe::autoscaler {

namespace {

constexpr duration longest_doubt = std::chrono::seconds{5};  // whether a small shortage lasts

// How many workers the policies allow to add (or remove) now, `before` being the size at the
// beginning of each period: what there is without the changes inside it.
std::uint32_t allowed(const std::vector<rate_policy>& policies, rate_selection select,
                      const change_log& changes, time_point now, std::uint32_t size, bool up) {
  if (select == rate_selection::disabled) return 0;
  if (policies.empty()) return unlimited;
  std::uint32_t best = select == rate_selection::max ? 0 : unlimited;
  for (const auto& p : policies) {
    const auto changed = changes.within(now, p.period);
    const auto before = up ? less(size, changed) : plus(size, changed);
    auto limit = p.value;
    if (p.type == rate_unit::percent)  // at least one, or a pool would never leave zero
      limit =
          static_cast<std::uint32_t>(std::clamp(std::ceil(before * (p.value / 100.0)), 1.0, 4e9));
    const auto left = less(limit, changed);
    best = select == rate_selection::max ? std::max(best, left) : std::min(best, left);
  }
  return best;
}

duration longest_period(const std::vector<rate_policy>& policies) {
  duration longest{};
  for (const auto& p : policies) longest = std::max(longest, p.period);
  return longest;
}

// Recommendation → stabilised size. Looking down, what was wanted within the idle timeout counts
// as still wanted: a launch must not be cancelled in one moment and repeated in the next. So does
// what is likely to be wanted again before a restart would have paid, unless another pool lacks room.
std::uint32_t stabilize(time_point now, const pool_facts& f, bool may_keep, sizing& s,
                        pool_memory& memory) {
  const auto& scaling = f.policy->scaling;
  const auto wanted = s.out.wanted;
  const auto idle_timeout = scaling.scale_down.idle_timeout;
  memory.launches.note(now, *f.status);
  memory.levels.note(now, std::min(wanted, f.max), f.more_to_come, idle_timeout);
  retention::kept kept;
  if (may_keep)
    kept = memory.levels.hold(
        now, f.more_to_come, idle_timeout,
        price_of_restart(memory.launches.typical(), scaling.target_duration));
  s.out.kept_until = kept.until;
  memory.recommendations.add(
      now, wanted, scaling.scale_up.stabilization,
      std::max(scaling.scale_down.stabilization, idle_timeout));
  const auto low = memory.recommendations.lowest();
  const auto high = std::max(memory.recommendations.highest(), kept.size);
  if (f.current < low) return low;
  if (f.current > high) return high;
  return f.current;
}

// A little too large is left as it is while there is work, or noise would turn the pool about; down
// to the minimum it goes exactly.
bool near_enough(const pool_facts& f, const sizing& s) {
  if (f.fixed || s.limited >= f.current || s.limited <= f.min || f.current > f.max) return false;
  return f.current - s.limited < f.policy->scaling.tolerance * f.current;
}

// A little too small must last for as long as work may wait, up to a few seconds: most coincidences of arrivals are over by
// then, and the worker that one of them launched would be idle when it has booted. What is lost, or taken
// back, is no growth.
bool too_brief(time_point now, const pool_facts& f, const sizing& s, pool_memory& memory) {
  const auto shortage = less(s.limited, f.current);
  const auto within = f.policy->scaling.tolerance * f.current;
  const bool small = within >= 1 && shortage <= std::ceil(2 * within);
  const bool grows = shortage > 0 && f.current >= memory.last_target.value_or(0) && f.current >= f.min;
  if (!grows || !small || f.fixed || s.out.for_signals > 0 || !f.status->takeable.empty()) {
    memory.short_since.reset();
    return false;
  }
  if (!memory.short_since) memory.short_since = now;
  return now - *memory.short_since < small_shortage_lasts(f.policy->scaling);
}

void grow(time_point now, const pool_facts& f, const shared_room& room, sizing& s,
          pool_memory& memory) {
  const auto& up = f.policy->scaling.scale_up;
  auto n = less(s.limited, f.current);
  const auto to_minimum = less(f.min, f.current);
  // Replacing what was lost is no growth: rates count from the size that was last decided.
  const auto base =
      std::max(f.current, std::min(memory.last_target.value_or(f.current), s.limited));
  const auto rate =
      plus(base - f.current, allowed(up.policies, up.select, memory.added, now, base, true));
  auto permitted = std::min(rate, up.max_step.value_or(unlimited));
  if (up.select != rate_selection::disabled)
    permitted = std::max(permitted, less(up.initial_burst, f.current));
  if (f.policy->control.pause_up) permitted = 0, s.paused = true;
  if (permitted < n) {
    n = std::max(permitted, to_minimum);
    s.rate_limited = !s.paused;
  }
  s.rated = f.current + n;
  const auto& takeable = f.status->takeable;
  const auto back = std::min<std::size_t>(n, takeable.size());
  s.out.take_back.assign(takeable.begin(), takeable.begin() + static_cast<std::ptrdiff_t>(back));
  const auto wish = n - static_cast<std::uint32_t>(back);
  s.out.launch = std::min({wish, f.room, f.launchable, f.allotted});
  // The pool's manager launches up to the target by itself, also when its backoff ends: the target
  // must not say what a limit of all pools together forbids.
  const auto over = less(wish, f.allotted);
  if (over > 0) s.capped = room.limit(f.policy->cost_per_hour);
  s.out.target = s.rated - over;
  if (s.out.target > f.current || back > 0) s.out.direction = direction::up;
}

// Idle ones first, those that have been idle longest first: what they did is furthest in the past.
// Among equals the one with the fewest bytes, because results it holds would have to be moved.
std::vector<const worker_load*> by_idleness(const pool_facts& f) {
  auto order = f.idle;
  std::sort(order.begin(), order.end(), [](auto* a, auto* b) {
    return std::tie(a->idle_since, a->memory_used, a->id) <
           std::tie(b->idle_since, b->memory_used, b->id);
  });
  return order;
}

void choose_drains(time_point now, const pool_facts& f, std::uint32_t surplus, sizing& s) {
  const auto idle = by_idleness(f);
  const auto timeout = f.policy->scaling.scale_down.idle_timeout;
  for (const auto* w : idle) {
    const bool over = s.out.drain.size() < s.forced;
    if (s.out.drain.size() >= surplus || (!over && now - w->idle_since < timeout)) break;
    s.out.drain.push_back(w->id);
  }
  if (s.out.drain.size() >= s.forced) return;
  auto busy = f.busy;
  std::sort(busy.begin(), busy.end(), [](auto* a, auto* b) {
    return std::tie(a->remaining, a->id) < std::tie(b->remaining, b->id);
  });
  for (const auto* w : busy) {
    if (s.out.drain.size() >= std::min(s.forced, surplus)) break;
    s.out.drain.push_back(w->id);
  }
}

void shrink(time_point now, const pool_facts& f, sizing& s, pool_memory& memory) {
  const auto& down = f.policy->scaling.scale_down;
  auto surplus = f.current - s.limited;
  s.forced = less(f.current, f.max);
  auto permitted = allowed(down.policies, down.select, memory.removed, now,
                           memory.last_target.value_or(f.current), false);
  permitted = std::min(permitted, down.max_step.value_or(unlimited));
  if (f.capped == shared_cap::budget) permitted = std::max(permitted, s.forced);  // money is out
  if (f.policy->control.pause_down) permitted = 0, s.paused = true;
  if (f.fixed) permitted = unlimited;
  if (permitted < surplus) {
    surplus = permitted;
    s.rate_limited = !s.paused;
  }
  s.rated = f.current - surplus;
  s.out.cancel = std::min(surplus, f.status->launching());
  s.forced = less(std::min(s.forced, surplus), s.out.cancel);
  choose_drains(now, f, surplus - s.out.cancel, s);
  s.out.target = f.current - s.out.cancel - static_cast<std::uint32_t>(s.out.drain.size());
  if (s.out.cancel > 0 || !s.out.drain.empty()) s.out.direction = direction::down;
}

void remember(time_point now, const pool_facts& f, const sizing& s, pool_memory& memory) {
  const auto before = memory.last_target.value_or(f.current);
  memory.added.add(now, less(s.out.target, before));
  memory.removed.add(now, less(before, s.out.target));
  memory.last_target = s.out.target;
  const auto& scaling = f.policy->scaling;
  memory.added.prune(now, longest_period(scaling.scale_up.policies));
  memory.removed.prune(now, longest_period(scaling.scale_down.policies));
}

}  // namespace

void pool_facts::see(const worker_load& w) {
  switch (w.state) {
    case worker_state::ready:
      (w.window == 0 ? idle : busy).push_back(&w);
      break;
    case worker_state::cordoned:
      ++held;
      break;
    case worker_state::disconnected:
      // One without work is on its way out, or will be counted again when it is back: to hold a
      // place for it would start another in its stead once it is confirmed gone.
      if (w.window > 0) ++held;
      break;
    case worker_state::draining:
    case worker_state::lost:
      break;
  }
}

void pool_facts::finish(time_point now, const surroundings& around) {
  static const pool_status nothing;
  if (!status) status = &nothing;
  const auto seen = static_cast<std::uint32_t>(idle.size() + busy.size()) + held;
  registered = std::max(status->registered, seen);
  pending = status->launching() + registered - seen;
  current = registered + status->launching();

  const auto& control = policy->control;
  min = control.min.value_or(policy->min);
  // Neither a minimum that was set by hand nor a pool that only hands scale follows the clock.
  if (around.unix_seconds && !control.min && policy->scaling.enabled)
    scheduled = minimum_at(policy->schedule, *around.unix_seconds);
  min = std::max(min, scheduled.value_or(0));
  own_max = control.max ? control.max : policy->max;
  if (own_max == unlimited) own_max.reset();  // so set by hand
  max = own_max.value_or(unlimited);
  if (control.size) {
    min = max = std::min(*control.size, max);
    fixed = true;
  } else if (!policy->scaling.enabled) {
    min = max = std::clamp(status->target, std::min(min, max), max);
    fixed = true;
  }
  min = std::min(min, max);
  backing_off = status->backoff && status->backoff->until > now;
  room = max == unlimited ? unlimited : less(max, current + status->draining);
  launchable = unlimited;
  if (status->probing) launchable = less(1, status->launching());
  if (backing_off || control.pause_up) launchable = 0;
}

namespace {

void describe(time_point now, const pool_facts& f, const pool_use& use, sizing& s) {
  auto& out = s.out;
  out.pool = f.policy->name;
  out.registered = f.registered;
  out.launching = f.status->launching();
  out.draining = f.status->draining;
  out.idle = static_cast<std::uint32_t>(f.idle.size());
  out.min = f.policy->control.min.value_or(f.policy->min);
  out.max = f.own_max;
  out.scheduled_min = f.scheduled;
  out.backoff = f.backing_off ? f.status->backoff : std::nullopt;
  out.probing = f.status->probing;
  out.queue = use.queue(f.held);
  out.for_signals = use.for_signals;
  out.signal = use.signal;
  out.wanted = use.wanted(f.held);
  out.cost_per_hour =
      f.policy->cost_per_hour * (f.current + f.status->draining + f.status->terminating);
  s.blocked = out.blocked = use.blocked + use.blocked_for_signals;
  for (const auto* w : f.idle) {
    const auto idle_for = now - w->idle_since;
    s.longest_idle = std::max(s.longest_idle, idle_for);
    s.idle_ready += idle_for >= f.policy->scaling.scale_down.idle_timeout;
  }
  out.idle_seconds = to_seconds(s.longest_idle);
}

// The last worker of a pool stays for a while after the pool's last work.
void cool_down(time_point now, const pool_facts& f, sizing& s, pool_memory& memory) {
  if (s.out.wanted > 0 || !f.busy.empty()) memory.last_work = now;
  const auto cooldown = f.policy->scaling.scale_down.zero_cooldown;
  s.cooling = s.limited == 0 && f.max > 0 && !f.fixed && f.current > 0 && memory.last_work &&
              now - *memory.last_work < cooldown;
  if (s.cooling) s.limited = 1;
}

}  // namespace

duration small_shortage_lasts(const scaling_settings& s) {
  return std::min(s.target_duration, longest_doubt);
}

sizing size_pool(time_point now, const pool_facts& f, const pool_use& use, const shared_room& room,
                 pool_memory& memory) {
  sizing s;
  describe(now, f, use, s);
  // What is only likely to be of use must not keep another pool from launching what is.
  const bool may_keep = f.alone || room.limit(f.policy->cost_per_hour) == shared_cap::none;
  s.stabilized = stabilize(now, f, may_keep, s, memory);
  // After the windows, so that a limit which changes holds at once.
  s.limited = f.fixed ? f.max : std::clamp(s.stabilized, f.min, f.max);
  if (may_keep && near_enough(f, s)) {
    s.limited = f.current;
    s.tolerated = true;
  }
  if (too_brief(now, f, s, memory)) s.limited = f.current;
  cool_down(now, f, s, memory);
  s.out.target = s.rated = f.current;
  if (s.limited > f.current)
    grow(now, f, room, s, memory);
  else if (s.limited < f.current)
    shrink(now, f, s, memory);
  if (room.limited())
    s.out.ceiling = f.status->registered + f.status->launching() + f.status->draining + s.out.launch;
  remember(now, f, s, memory);
  s.out.steps = {{"what-if", static_cast<double>(s.out.queue)},
                 {"signals", static_cast<double>(s.out.wanted)},
                 {"stabilized", static_cast<double>(s.stabilized)},
                 {"min/max", static_cast<double>(s.limited)},
                 {"rate limits", static_cast<double>(s.rated)},
                 {"target", static_cast<double>(s.out.target)}};
  return s;
}

}  // namespace troupe::autoscaler
