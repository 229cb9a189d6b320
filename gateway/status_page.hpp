// The page at "/": the cluster at a glance, without scripts; the browser loads it again every two
// seconds.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace troupe::gateway {

// From the answer to a `status` request. Everything that comes from outside is escaped.
std::string status_page(const nlohmann::json& status);

}  // namespace troupe::gateway
