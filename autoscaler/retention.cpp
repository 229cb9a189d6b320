#include "autoscaler/retention.hpp"

#include <algorithm>

namespace troupe::autoscaler {

namespace {

constexpr std::uint32_t most_levels = 10'000;  // of larger pools the part above is not learnt about
constexpr float margin = 1.25;       // what came back after a minute may take a little more next time
constexpr double newest_weight = 0.2;
// The wait for a start, in starts, for each target duration that it takes. Found by simulation: with
// less, steady loads pay in restarts what they save in idleness (docs/simulator.md).
constexpr double weight_of_waiting = 2;
constexpr double most_launches = 40;  // no restart is worth the idle time of more

}  // namespace

void retention::lulls::add(duration gap) {
  gaps[next] = static_cast<float>(to_seconds(gap));
  next = static_cast<std::uint8_t>((next + 1) % remembered);
  count = static_cast<std::uint8_t>(std::min<std::size_t>(count + 1u, remembered));
}

void retention::note(time_point now, std::uint32_t wanted, bool more_to_come,
                     duration idle_timeout) {
  wanted = std::min(wanted, most_levels);
  for (auto k = wanted; k < wanted_; ++k) {
    levels_[k].fallen = now;
    levels_[k].foreseen = more_to_come;
  }
  for (auto k = wanted_; k < wanted; ++k) {
    if (k == levels_.size()) {
      levels_.emplace_back();
      continue;
    }
    auto& l = levels_[k];
    if (const auto gap = now - l.fallen; gap > idle_timeout) l.of[l.foreseen].add(gap);
  }
  wanted_ = wanted;
}

duration retention::worth_keeping(const lulls& past, duration idle_timeout, duration restart) {
  const auto price = static_cast<float>(to_seconds(restart));
  auto cost_of = [&](float kept) {
    float sum = 0;
    for (std::size_t i = 0; i < past.count; ++i)
      sum += past.gaps[i] <= kept ? past.gaps[i] : kept + price;
    return sum;
  };
  auto best = static_cast<float>(to_seconds(idle_timeout));
  auto least = cost_of(best);
  for (std::size_t i = 0; i < past.count; ++i) {
    const auto kept = std::min(past.gaps[i] * margin, price);
    if (past.gaps[i] > price || kept <= best) continue;
    if (const auto cost = cost_of(kept); cost < least) {
      best = kept;
      least = cost;
    }
  }
  return from_seconds(best);
}

retention::kept retention::hold(time_point now, bool more_to_come, duration idle_timeout,
                                duration restart) const {
  kept out;
  out.size = wanted_;
  if (restart <= idle_timeout) return out;
  for (auto k = static_cast<std::uint32_t>(levels_.size()); k > wanted_; --k) {
    const auto& l = levels_[k - 1];
    // What was foreseen has come, and was less.
    const auto& past = l.of[l.foreseen && more_to_come];
    if (past.count == 0 || now - l.fallen >= restart) continue;
    const auto until = l.fallen + worth_keeping(past, idle_timeout, restart);
    if (until <= now) continue;
    if (out.size == wanted_) out.size = k;
    out.until = out.until == time_point{} ? until : std::min(out.until, until);
  }
  return out;
}

void launch_clock::note(time_point now, const pool_status& s) {
  // Without those that are being ended: launches that were called off or failed are among them.
  const auto there = s.registered + s.draining;
  auto arrived = there > there_ ? there - there_ : 0;
  there_ = there;
  while (under_way_.size() > s.launching()) {
    if (arrived > 0) {
      --arrived;
      const auto took = to_seconds(now - under_way_.front());
      typical_ = typical_ == duration{}
                     ? from_seconds(took)
                     : from_seconds(to_seconds(typical_) * (1 - newest_weight) + took * newest_weight);
      under_way_.pop_front();
    } else {
      under_way_.pop_back();  // called off, or failed
    }
  }
  while (under_way_.size() < s.launching()) under_way_.push_back(now);
}

duration price_of_restart(duration launch, duration target_duration) {
  const auto target = std::max(to_seconds(target_duration), 1e-3);
  const auto weight = std::min(1 + weight_of_waiting * to_seconds(launch) / target, most_launches);
  return from_seconds(to_seconds(launch) * weight);
}

}  // namespace troupe::autoscaler
