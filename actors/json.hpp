// Control requests and answers are MessagePack maps; here they are JSON while they are made or read.
#pragma once

#include <nlohmann/json.hpp>

#include "libruntime/failure.hpp"
#include "libruntime/value.hpp"

namespace troupe::actors {

value to_value(const nlohmann::json& j);
// nil becomes an empty object. Fails with invalid_argument when the bytes aren't a map.
result<nlohmann::json> to_json(const value& v);

}  // namespace troupe::actors
