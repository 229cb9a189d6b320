// From readings of signals to workers of pools. Internal to the policy; the rules: signals.hpp.
#pragma once

#include <vector>

#include "autoscaler/caps.hpp"
#include "autoscaler/placement.hpp"
#include "autoscaler/signals.hpp"
#include "autoscaler/sizing.hpp"

namespace troupe::autoscaler {

// What each signal of `s` asks for now.
std::vector<signal_record> read_signals(time_point now, const load_snapshot& load,
                                        const std::vector<pool_facts>& all, history& past,
                                        const settings& s, const surroundings& around);

// Adds to `uses` (in the order of `all`) what the signals ask for beyond what the queue has given
// their pools: what exists first, then by priority and cost what can be launched within `room`.
void add_signal_demand(const std::vector<signal_record>& signals,
                       const std::vector<pool_facts>& all, shared_room& room,
                       std::vector<pool_use>& uses);

}  // namespace troupe::autoscaler
