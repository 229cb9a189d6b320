#include "autoscaler/simulator/provider.hpp"

#include <limits>

namespace troupe::simulator {

namespace {

// Until something that comes so many times an hour.
duration until_next(double rate_per_hour, random_stream& random) {
  if (rate_per_hour <= 0) return duration::max();
  constexpr double longest = 100.0 * 365 * 86400;  // a duration holds 292 years
  return from_seconds(std::min(random.exponential(3600 / rate_per_hour), longest));
}

}  // namespace

provider::provider(conditions c, std::uint64_t seed, const std::string& pool, calendar& time,
                   provider_events events)
    : conditions_(c),
      launches_(seed, "launches of " + pool),
      faults_(seed, "faults of " + pool),
      time_(time),
      events_(std::move(events)) {}

void provider::launch(launch_number n) {
  time_.after(conditions_.call.draw(launches_), [this, n] { make(n); });
}

void provider::make(launch_number n) {
  const auto boot = conditions_.boot.draw(launches_);  // drawn for refused ones too: see random.hpp
  const bool room = !conditions_.capacity || alive() < *conditions_.capacity;
  const bool made = !faults_.chance(conditions_.launch_failures) && room;
  if (made) {
    instances_[n] = {};
    const auto dies = faults_.chance(conditions_.boot_failures);
    time_.after(dies ? boot / 2 : boot, [this, n, dies] {
      if (!exists(n)) return;
      if (dies) return kill(n);
      plan_life(n);
      events_.booted(n);
    });
  }
  if (!faults_.chance(conditions_.lost_messages)) events_.answered(n, made);
  if (faults_.chance(conditions_.duplicate_answers))
    time_.after(conditions_.call.draw(faults_) * 3, [this, n, made] { events_.answered(n, made); });
}

void provider::plan_life(launch_number n) {
  const auto crash = until_next(conditions_.crashes, faults_);
  if (crash < duration::max()) time_.after(crash, [this, n] { kill(n); });
  const auto preemption = until_next(conditions_.preemptions, faults_);
  if (preemption == duration::max()) return;
  time_.after(preemption, [this, n] {
    if (!exists(n)) return;
    events_.preempted(n);
    time_.after(conditions_.notice, [this, n] { kill(n); });
  });
}

void provider::kill(launch_number n) {
  if (!exists(n)) return;
  events_.died(n);
  end(n);
}

void provider::end(launch_number n) {
  instances_.erase(n);
  if (!faults_.chance(conditions_.lost_messages)) events_.ended(n);
}

void provider::terminate(launch_number n) {
  auto at = instances_.find(n);
  if (at == instances_.end() || at->second.stopping) return;
  at->second.stopping = true;
  time_.after(conditions_.stop.draw(launches_), [this, n] {
    if (exists(n)) end(n);
  });
}

std::vector<launch_number> provider::list() const {
  std::vector<launch_number> out;
  for (const auto& [n, i] : instances_) out.push_back(n);
  return out;
}

}  // namespace troupe::simulator
