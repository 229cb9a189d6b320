// Option trees as JSON, with the types that their options have. Private to this folder.
#pragma once

#include <nlohmann/json.hpp>

#include "libruntime/option_tree.hpp"
#include "libruntime/options.hpp"

namespace troupe::config {

// One value: numbers and booleans as such, the rest as texts; secrets are hidden.
nlohmann::ordered_json to_json(const option_info& info, const option_value& v);
// A section's values.
nlohmann::ordered_json to_json(const option_section& section, const option_value& map);

}  // namespace troupe::config
