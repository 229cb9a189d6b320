// Scheduled minimums, from settings to what is in force. Internal to the policy.
#pragma once

#include <vector>

#include "autoscaler/settings.hpp"

namespace troupe::autoscaler {

// Entries that could not be checked (an unknown zone) are left out.
std::vector<scheduled_min> schedule_of(const std::vector<scheduled_min_settings>& entries,
                                       const time_zones& zones);

}  // namespace troupe::autoscaler
