#include "autoscaler/simulator/manager.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::simulator {

namespace {

constexpr auto call_deadline = std::chrono::seconds{30};
constexpr auto list_interval = std::chrono::seconds{10};

}  // namespace

manager::manager(const pool_settings& pool, std::uint64_t seed, calendar& time, provider& provider,
                 manager_events events)
    : settings_(pool),
      jitter_(seed, "backoff of " + pool.name),
      time_(time),
      provider_(provider),
      events_(std::move(events)),
      max_(pool.max) {}

std::uint32_t manager::live() const {
  return count(launch_phase::requested) + count(launch_phase::booting) +
         count(launch_phase::registered);
}

launch_number manager::launch_of(worker_id w) const {
  auto at = by_worker_.find(w);
  return at == by_worker_.end() ? 0 : at->second;
}

void manager::move(slot& s, launch_phase to) {
  --counts_[static_cast<std::size_t>(s.phase)];
  s.phase = to;
  ++counts_[static_cast<std::size_t>(to)];
}

// ---- orders -----------------------------------------------------------------------------------

void manager::set(const pool_order& order) {
  max_ = order.max;
  ceiling_ = order.ceiling;
  target_ = std::min(order.target, order.max.value_or(order.target));
  for (auto w : order.take_back) {
    const auto n = launch_of(w);
    if (n == 0 || live() >= target_) continue;
    auto& s = slots_.at(n);
    if (s.phase != launch_phase::draining || !s.takeable) continue;
    move(s, launch_phase::registered);
    ++counters_.taken_back;
    events_.drain(w, false);
  }
  if (live() > target_) call_off(live() - target_);
  for (auto w : order.drain) {
    const auto n = launch_of(w);
    if (n == 0 || live() <= target_) continue;
    auto& s = slots_.at(n);
    if (s.phase == launch_phase::registered) begin_drain(n, s, true, order.patient);
  }
  reconcile();
}

void manager::reconcile() {
  if (live() > target_) call_off(live() - target_);
  if (target_ <= live()) return;
  auto missing = target_ - live();
  revive(missing);
  launch(std::min(missing, launchable()));
}

// The youngest first: they have come least far.
void manager::call_off(std::uint32_t surplus) {
  for (auto phase : {launch_phase::requested, launch_phase::booting}) {
    std::vector<launch_number> chosen;
    for (auto it = slots_.rbegin(); it != slots_.rend() && chosen.size() < surplus; ++it)
      if (it->second.phase == phase) chosen.push_back(it->first);
    surplus -= static_cast<std::uint32_t>(chosen.size());
    counters_.called_off += chosen.size();
    for (auto n : chosen) terminate(n, slots_.at(n));
  }
}

// A launch that was called off before it was answered is as good as a new one.
void manager::revive(std::uint32_t& missing) {
  if (count(launch_phase::terminating) == 0) return;
  for (auto& [n, s] : slots_) {
    if (missing == 0) return;
    if (s.phase != launch_phase::terminating || s.answered || s.worker) continue;
    if (s.launched_at + settings_.boot_deadline <= time_.now()) continue;
    move(s, launch_phase::requested);
    s.deliberate = false;
    --counters_.called_off;
    --missing;
  }
}

std::uint32_t manager::launchable() const {
  if (waiting()) return 0;
  const auto pending = count(launch_phase::requested) + count(launch_phase::booting);
  auto n = settings_.launch.max_pending - std::min(settings_.launch.max_pending, pending);
  const auto counted = live() + count(launch_phase::draining);
  for (const auto& most : {max_, ceiling_})
    if (most) n = std::min(n, *most - std::min(*most, counted));
  if (starts_.in_a_row > 0) n = std::min(n, 1 - std::min(1u, pending));
  return n;
}

void manager::launch(std::uint32_t n) {
  for (; n > 0; --n) {
    const auto number = ++last_;
    slot s;
    s.phase = launch_phase::requested;
    s.launched_at = time_.now();
    slots_.emplace(number, s);
    ++counts_[static_cast<std::size_t>(s.phase)];
    ++counters_.launches;
    provider_.launch(number);
    time_.after(settings_.boot_deadline, [this, number] {
      auto at = slots_.find(number);
      if (at == slots_.end() || at->second.worker) return;
      if (at->second.phase == launch_phase::terminating) return look();
      start_failed(number, at->second, "no worker registered in time");
    });
    time_.after(call_deadline, [this, number] {
      auto at = slots_.find(number);
      if (at != slots_.end() && !at->second.answered) look();
    });
  }
}

void manager::begin_drain(launch_number n, slot& s, bool takeable, bool patient) {
  move(s, launch_phase::draining);
  s.takeable = takeable;
  ++counters_.drains;
  s.drain = ++last_drain_;
  const auto worker = s.worker;
  if (!patient)
    time_.after(settings_.autoscaler.scale_down.drain_deadline, [this, n, drain = s.drain] {
      auto at = slots_.find(n);
      if (at == slots_.end() || at->second.phase != launch_phase::draining) return;
      if (at->second.drain == drain) terminate(n, at->second);
    });
  events_.drain(worker, true);
}

void manager::drained(worker_id worker) {
  const auto n = launch_of(worker);
  if (n == 0) return;
  auto& s = slots_.at(n);
  if (s.phase != launch_phase::draining) return;
  terminate(n, s);
  reconcile();
}

void manager::terminate(launch_number n, slot& s) {
  move(s, launch_phase::terminating);
  s.takeable = false;
  s.deliberate = true;
  provider_.terminate(n);
  look_in(list_interval);
}

// ---- what happens to launches -------------------------------------------------------------------

void manager::answered(launch_number n, bool made) {
  auto at = slots_.find(n);
  if (at == slots_.end()) {
    if (made) provider_.terminate(n);  // given up on long ago
    return;
  }
  auto& s = at->second;
  if (s.answered) return;  // said twice
  s.answered = true;
  if (s.phase == launch_phase::terminating) {
    if (made)
      provider_.terminate(n);
    else
      gone(n);
  } else if (s.phase == launch_phase::requested && made) {
    move(s, launch_phase::booting);
  } else if (s.phase == launch_phase::requested) {
    start_failed(n, s, "the provider refused the launch");
  }
  events_.changed();
}

bool manager::registered(launch_number n, worker_id worker) {
  auto at = slots_.find(n);
  if (at == slots_.end() || at->second.phase == launch_phase::terminating) {
    provider_.terminate(n);
    return false;
  }
  auto& s = at->second;
  s.answered = true;
  s.worker = worker;
  by_worker_[worker] = n;
  move(s, launch_phase::registered);
  if (s.launched_at >= starts_.began) starts_ = {};
  reconcile();  // probing is over
  events_.changed();
  return true;
}

// It drains for as long as the notice lasts, and is replaced meanwhile.
void manager::preempted(launch_number n) {
  auto at = slots_.find(n);
  if (at == slots_.end()) return;
  ++counters_.preemptions;
  at->second.deliberate = true;
  at->second.takeable = false;
  if (at->second.phase == launch_phase::registered) begin_drain(n, at->second, false, false);
  reconcile();
  events_.changed();
}

void manager::ended(launch_number n) {
  if (slots_.count(n) == 0) return;
  gone(n);
  reconcile();
  events_.changed();
}

void manager::start_failed(launch_number n, slot& s, const std::string& why) {
  ++counters_.failed_starts;
  if (starts_.in_a_row == 0 || s.launched_at >= starts_.began) back_off(starts_, why);
  if (provider_.exists(n))
    terminate(n, s);
  else
    gone(n);
  events_.changed();
}

void manager::gone(launch_number n) {
  auto at = slots_.find(n);
  const auto s = at->second;
  --counts_[static_cast<std::size_t>(s.phase)];
  ++counters_.ended;
  slots_.erase(at);
  if (s.worker) by_worker_.erase(s.worker);
  if (s.phase == launch_phase::requested || s.phase == launch_phase::booting) {
    ++counters_.failed_starts;
    if (starts_.in_a_row == 0 || s.launched_at >= starts_.began)
      back_off(starts_, "it ended before it registered");
  } else if (s.phase == launch_phase::registered) {
    note_death();
  }
  if (s.worker) events_.over(s.worker, s.deliberate);
}

// Replaced at once, up to so many a minute.
void manager::note_death() {
  ++counters_.deaths;
  const auto now = time_.now();
  while (!recent_deaths_.empty() && now - recent_deaths_.front() >= std::chrono::minutes{1})
    recent_deaths_.pop_front();
  recent_deaths_.push_back(now);
  if (recent_deaths_.size() <= settings_.launch.replacements_per_minute) {
    if (now >= deaths_.until) deaths_ = {};
    return;
  }
  recent_deaths_.pop_front();
  if (now >= deaths_.until) back_off(deaths_, "too many workers died within a minute");
}

// Doubles with every failure in a row; half of it is random.
void manager::back_off(wait& w, const std::string& reason) {
  ++w.in_a_row;
  const auto doublings = static_cast<int>(std::min(w.in_a_row - 1, 30u));
  const auto full = std::min(std::ldexp(to_seconds(settings_.launch.backoff_initial), doublings),
                             to_seconds(settings_.launch.backoff_max));
  w.began = time_.now();
  w.until = w.began + from_seconds(full * (0.5 + 0.5 * jitter_.uniform()));
  w.reason = reason;
  time_.at(w.until, [this] {
    reconcile();
    events_.changed();
  });
}

void manager::link_lost(worker_id worker) {
  if (launch_of(worker) != 0) look_in(list_interval);
}

// ---- lists ------------------------------------------------------------------------------------

bool manager::in_doubt() const {
  return std::any_of(slots_.begin(), slots_.end(), [&](const auto& entry) {
    const auto& [n, s] = entry;
    return s.phase == launch_phase::requested || s.phase == launch_phase::terminating ||
           !provider_.exists(n);
  });
}

void manager::look_in(duration d) {
  if (next_look_) return;
  next_look_ = time_.now() + d;
  time_.at(*next_look_, [this] {
    next_look_.reset();
    look();
  });
}

void manager::look() {
  std::vector<launch_number> missing;
  for (auto& [n, s] : slots_) {
    const bool there = provider_.exists(n);
    const bool asked_just_now = !s.answered && time_.now() - s.launched_at < call_deadline;
    if (there && s.phase == launch_phase::requested) {
      s.answered = true;
      move(s, launch_phase::booting);
    } else if (there && s.phase == launch_phase::terminating) {
      provider_.terminate(n);
    } else if (!there && !asked_just_now) {
      missing.push_back(n);
    }
  }
  for (auto n : missing) gone(n);
  if (count(launch_phase::terminating) > 0) look_in(list_interval);
  reconcile();
  events_.changed();
}

// ---- views ------------------------------------------------------------------------------------

std::vector<launch_number> manager::believed() const {
  std::vector<launch_number> out;
  for (const auto& [n, s] : slots_)
    if (s.answered) out.push_back(n);
  return out;
}

autoscaler::pool_status manager::status() const {
  autoscaler::pool_status out;
  out.name = settings_.name;
  out.target = target_;
  out.requested = count(launch_phase::requested);
  out.booting = count(launch_phase::booting);
  out.registered = count(launch_phase::registered);
  out.draining = count(launch_phase::draining);
  out.terminating = count(launch_phase::terminating);
  if (out.draining > 0)
    for (const auto& [n, s] : slots_)
      if (s.phase == launch_phase::draining && s.takeable) out.takeable.push_back(s.worker);
  const auto& longest = starts_.until >= deaths_.until ? starts_ : deaths_;
  if (longest.in_a_row > 0)
    out.backoff = autoscaler::pool_backoff{longest.until, longest.reason, longest.in_a_row};
  out.probing = starts_.in_a_row > 0;
  return out;
}

}  // namespace troupe::simulator
