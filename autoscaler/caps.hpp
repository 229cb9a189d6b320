// Limits on all pools together: max_workers and the budget. Internal to the policy.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "autoscaler/history.hpp"
#include "autoscaler/settings.hpp"
#include "autoscaler/sums.hpp"

namespace troupe::autoscaler {

struct pool_facts;

enum class shared_cap : std::uint8_t { none, workers, budget };

// What may still be launched, over all pools. Without limits it never runs out.
class shared_room {
 public:
  shared_room() = default;
  shared_room(const settings& s, std::uint64_t workers, double cost_per_hour);

  bool limited() const { return workers_left_ || money_left_; }
  // How many workers of this cost an hour fit.
  std::uint32_t fits(double cost) const;
  // pre: n <= fits(cost)
  void take(std::uint32_t n, double cost);
  // What keeps one more of this cost from fitting.
  shared_cap limit(double cost) const;

 private:
  std::optional<std::uint32_t> workers_left_;
  std::optional<double> money_left_;  // an hour
};

// Indices of the pools, those filled first in front: by priority, then cost.
std::vector<std::size_t> filling_order(const std::vector<pool_facts>& all);

// Where a limit is exceeded (it was lowered, or the money is spent), lowers the maximum of the
// pools that are filled last. Then sets places aside for minimums that are not met, lest another
// pool's work takes them; minimums that have no place are lowered. Returns what is left for demand.
shared_room apply_caps(std::vector<pool_facts>& all, const settings& s, const history& past);

}  // namespace troupe::autoscaler
