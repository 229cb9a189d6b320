// Arithmetic of days and seconds that also holds before 1970. Internal to cron and time_zone.
#pragma once

#include <cstdint>

namespace troupe {

inline constexpr std::int64_t day_seconds = 86400;

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

}  // namespace troupe
