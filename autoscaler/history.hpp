// What the policy remembers from one decision to the next: recommendations inside the stabilisation
// windows, sizes changed inside the rate periods, worker-seconds so far, and the last decisions.
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
#include "libruntime/settings.hpp"

namespace troupe::autoscaler {

// The lowest and the highest of the numbers of the last while. Amortised constant time and memory
// bounded by the changes inside the window, whatever the rate of calls.
class recommendation_window {
 public:
  void add(time_point now, std::uint32_t wanted, duration up_window, duration down_window);
  std::uint32_t lowest() const;   // over the up window; pre: something was added
  std::uint32_t highest() const;  // over the down window

 private:
  struct sample {
    time_point until{};  // the last moment at which it was recommended
    std::uint32_t wanted = 0;
  };
  std::deque<sample> falling_;  // a monotonic queue: the front is the highest
  std::deque<sample> rising_;   // the front is the lowest
};

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
  double worker_seconds = 0;
  std::optional<std::uint32_t> last_target;
  std::uint32_t billed_workers = 0;  // registered and draining, since `last_decision`
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
  // Cumulative, over all pools, up to the last decision.
  double worker_seconds() const;

 private:
  std::map<std::string, pool_memory> pools_;
  std::deque<decision> decisions_;
  decision last_;
};

}  // namespace troupe::autoscaler
