// `troupe autoscaler explain POOL`: a decision in sentences, for people: why the pool has the size
// it has, and what would change it. Pure; every number is one of the decision's or of the settings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/decision.hpp"
#include "autoscaler/settings.hpp"

namespace troupe::autoscaler {

struct explanation {
  std::vector<std::string> why;      // the first line is the answer
  std::vector<std::string> changes;  // what would make it larger or smaller
};

// Pre: the pool is in both.
explanation explain_pool(const decision& d, std::string_view pool, const settings& s);

}  // namespace troupe::autoscaler
