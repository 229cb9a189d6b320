// Environment variables laid over an option tree: TROUPE_SCHEDULER_LISTEN replaces
// scheduler.listen, TROUPE_POOLS_HERE_MAX the `max` of the pool named "here". Pure: the environment
// is an argument.
#pragma once

#include <map>
#include <string>

#include "libruntime/option_tree.hpp"
#include "libruntime/options.hpp"

namespace troupe::config {

using environment = std::map<std::string, std::string>;

// "scheduler.default_duration" → "TROUPE_SCHEDULER_DEFAULT_DURATION".
std::string variable_of(const std::string& path);

// Puts what the variables say into the tree, with their names as origin; values are checked when
// the tree is read. Lists are written a,b and maps NAME=VALUE,NAME=VALUE; one entry of a map of
// texts is a variable of its own (TROUPE_POOLS_HERE_WORKER_ENV_LANG). Warns of variables below a
// known section that are no option. Those that Troupe sets or reads for other purposes are left
// alone.
void apply_environment(const option_section& root, option_value& tree, const environment& variables,
                       option_report& report);

}  // namespace troupe::config
