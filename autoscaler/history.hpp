// What the policy remembers from one decision to the next: recommendations inside the stabilisation
// windows, sizes changed inside the rate periods, signals, worker-seconds and cost so far, and the last
// decisions.
//
// Owned by whoever calls decide(); pure; bounded by windows and by `settings::history`.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "autoscaler/decision.hpp"
#include "autoscaler/retention.hpp"
#include "autoscaler/signals.hpp"
#include "libruntime/settings.hpp"

namespace troupe::autoscaler {

// Sizes changed in the recent past, for limits per period.
class change_log {
 public:
  void add(time_point now, std::uint32_t workers);
  std::uint32_t within(time_point now, duration period) const;
  void prune(time_point now, duration longest);

 private:
  struct change {
    time_point at{};
    std::uint32_t workers = 0;
  };
  std::deque<change> changes_;
};

struct pool_memory {
  recommendation_window recommendations;
  change_log added;
  change_log removed;
  retention levels;
  launch_clock launches;
  double worker_seconds = 0;
  double cost = 0;
  std::optional<std::uint32_t> last_target;
  std::optional<time_point> short_since;  // a little too small, without a pause
  std::optional<time_point> last_work;  // when it last had work, or was wanted
  std::uint32_t serving = 0;            // registered and draining, as of the last decision
  double cost_per_hour = 0;             // of all its instances, as of the last decision
};

class history {
 public:
  // Numbers the decision, adds up worker-seconds and keeps it, if it changes anything against the
  // last kept one or that is older than `sample_interval`. Returns the numbered decision.
  const decision& record(decision d, std::size_t limit, duration sample_interval);

  pool_memory& pool(const std::string& name) { return pools_[name]; }
  void forget_pools_but(const std::vector<std::string>& names);

  const std::deque<decision>& decisions() const { return decisions_; }  // oldest first
  const decision& last() const { return last_; }
  std::uint64_t count() const { return last_.number; }  // decisions ever made
  // Cumulative, over all pools, up to the last decision; of pools that are gone, too.
  double worker_seconds() const;
  double cost() const;

  std::map<std::string, signal_memory> signals;
  wait_window waits;

 private:
  std::map<std::string, pool_memory> pools_;
  std::deque<decision> decisions_;
  decision last_;
  double gone_worker_seconds_ = 0, gone_cost_ = 0;  // of forgotten pools
};

}  // namespace troupe::autoscaler
