// Decisions in words. Internal to the policy.
#pragma once

#include <string>

#include "autoscaler/decision.hpp"
#include "autoscaler/sizing.hpp"

namespace troupe::autoscaler {

// Fills cause and reason of s.out. `whole` has the demand.
void explain(time_point now, const pool_facts& f, sizing& s, const decision& whole);

// One line over all pools.
std::string summary(const decision& d);

}  // namespace troupe::autoscaler
