// What simulations came to, as a table and as JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include "autoscaler/simulator/simulation.hpp"
#include "cli/json_value.hpp"
#include "cli/table.hpp"

namespace troupe::cli {

// One run and what was asked of it.
struct simulated {
  simulator::outcome result;
  std::string load;     // "step", or the file
  std::string setting;  // of the policy, in words: "target 5s"
  double knob = 0;      // the same as a number: seconds, tasks a worker, workers
  std::uint64_t seed = 1;
};

table table_of(const std::vector<simulated>& runs);
json json_of(const simulated& run);

}  // namespace troupe::cli
