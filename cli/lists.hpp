// What tables of several commands have in common.
#pragma once

#include <string>

#include "cli/json_value.hpp"
#include "cli/table.hpp"

namespace troupe::cli {

// The colour of a state of a job, task or worker.
style style_of(const std::string& state);
table pools_table(const json& pools);

}  // namespace troupe::cli
