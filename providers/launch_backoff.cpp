// See launch_backoff.hpp.
#include "providers/launch_backoff.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::providers {

namespace {

// What won't mend by itself is tried less often.
double factor_of(failure_class kind) {
  switch (kind) {
    case failure_class::transient:
    case failure_class::ambiguous:
    case failure_class::throttled:
      return 1;
    case failure_class::no_capacity:
      return 4;
    case failure_class::quota:
      return 8;
    case failure_class::rejected_credentials:
    case failure_class::invalid_request:
      return 16;
  }
  return 1;
}

}  // namespace

// Half of it is certain, half is random, so that many pools don't call in step.
duration launch_backoff::delay(double factor, std::uint32_t in_a_row) {
  const auto doublings = std::min(in_a_row > 0 ? in_a_row - 1 : 0, 30u);
  const auto full = std::min(
      to_seconds(settings_.backoff_initial) * factor * std::ldexp(1.0, static_cast<int>(doublings)),
      to_seconds(settings_.backoff_max));
  const auto part = 0.5 + 0.5 * std::uniform_real_distribution<double>{}(rng_);
  return from_seconds(full * part);
}

void launch_backoff::start_failed(time_point now, time_point launched_at,
                                  const provider_failure& why) {
  starts_.reason = why.message;
  if (starts_.in_a_row > 0 && launched_at < starts_.began) return;
  ++starts_.in_a_row;
  starts_.began = now;
  starts_.until = now + std::max(delay(factor_of(why.kind), starts_.in_a_row), why.retry_after);
}

void launch_backoff::started(time_point launched_at) {
  if (launched_at >= starts_.began) starts_ = {};
}

void launch_backoff::died(time_point now, const std::string& reason) {
  while (!recent_deaths_.empty() && now - recent_deaths_.front() >= std::chrono::minutes{1})
    recent_deaths_.pop_front();
  recent_deaths_.push_back(now);
  if (recent_deaths_.size() <= settings_.replacements_per_minute) {
    if (now >= deaths_.until) deaths_ = {};
    return;
  }
  recent_deaths_.pop_front();  // more than the limit need not be remembered
  deaths_.reason = "more than " + std::to_string(settings_.replacements_per_minute) +
                   " workers died within a minute; the last: " + reason;
  if (now < deaths_.until) return;
  ++deaths_.in_a_row;
  deaths_.began = now;
  deaths_.until = now + delay(1, deaths_.in_a_row);
}

std::optional<autoscaler::pool_backoff> launch_backoff::view() const {
  const auto& longest = starts_.until >= deaths_.until ? starts_ : deaths_;
  if (longest.in_a_row == 0) return {};
  return autoscaler::pool_backoff{longest.until, longest.reason, longest.in_a_row};
}

}  // namespace troupe::providers
