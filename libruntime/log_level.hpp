// How much a log line matters: those of tasks and those of the processes themselves.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

enum class log_level : std::uint8_t { trace, debug, info, warning, error };
std::string_view to_string(log_level x);  // "warning"

}  // namespace troupe
