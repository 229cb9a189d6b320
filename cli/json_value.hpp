// Values as JSON, and back. What JSON has no word for is written as an object with one key that
// begins with "$": {"$bin": BASE64} for bytes (and for strings that are not UTF-8), {"$ext": [TYPE,
// BASE64]} for extension objects. Keys of maps that are not strings become their JSON text; numbers
// that are not finite become null. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libruntime/value.hpp"

namespace troupe::cli {

using json = nlohmann::ordered_json;  // prints keys in the order they came in

json to_json(const value& v);
// Refuses malformed "$bin" and "$ext" objects and nesting deeper than 100.
result<value> to_value(const json& j);
// An argument list: an array as it is, anything else as the only argument.
result<value> to_arguments(const json& j);

// Names what is wrong and where: "at line 1, column 5: …".
result<json> parse_json(std::string_view text);

// On one line, never throwing.
std::string compact(const json& j);

}  // namespace troupe::cli
