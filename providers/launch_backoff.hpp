// When a pool may launch again after launches failed or workers died. Pure; jitter from a seed.
//
// Two reasons to wait, kept apart: starts that fail in a row (exponential by class of failure, then
// one launch at a time until one registers) and workers that die later (replaced at once up to so
// many a minute, then exponential). What was launched before a wait began neither lengthens nor
// ends it, so that a batch that fails together counts as one failure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>

#include "autoscaler/decision.hpp"
#include "libruntime/settings.hpp"
#include "providers/provider.hpp"

namespace troupe::providers {

class launch_backoff {
 public:
  launch_backoff(launch_settings settings, std::uint64_t seed) : settings_(settings), rng_(seed) {}

  void change(launch_settings settings) { settings_ = settings; }  // for failures from now on
  void start_failed(time_point now, time_point launched_at, const provider_failure& why);
  void started(time_point launched_at);
  void died(time_point now, const std::string& reason);

  bool waiting(time_point now) const { return now < until(); }
  time_point until() const { return std::max(starts_.until, deaths_.until); }
  bool probing() const { return starts_.in_a_row > 0; }
  std::optional<autoscaler::pool_backoff> view() const;  // also of a wait that is over

 private:
  struct wait {
    time_point began{};
    time_point until{};
    std::uint32_t in_a_row = 0;
    std::string reason;
  };
  duration delay(double factor, std::uint32_t in_a_row);

  launch_settings settings_;
  std::mt19937_64 rng_;
  wait starts_, deaths_;
  std::deque<time_point> recent_deaths_;
};

}  // namespace troupe::providers
