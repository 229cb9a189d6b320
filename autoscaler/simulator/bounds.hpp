// How long and how much anything of a simulation may be. Times are sums of nanoseconds in 64 bits,
// which hold 292 years: with these bounds no sum that a run makes can overflow.
#pragma once

#include <cstdint>
#include <optional>

#include "libruntime/time.hpp"

namespace troupe::simulator {

// Of a submission, a task, a boot, a length.
inline constexpr duration longest_time = std::chrono::hours{24 * 365 * 10};
// A run that comes here ends, as one that is stuck.
inline constexpr duration longest_run = std::chrono::hours{24 * 365 * 100};
// Of one resource, in units: a task's or a worker's.
inline constexpr double most_resources = 1e9;
// Of a load that is held as a whole.
inline constexpr std::uint64_t most_recorded_tasks = 20'000'000;

// Seconds as a time; nothing where they are negative, no number, or more than longest_time.
inline std::optional<duration> checked_seconds(double s) {
  if (!(s >= 0 && s <= to_seconds(longest_time))) return {};
  return from_seconds(s);
}

// Seconds as a time from 0 to longest_time, whatever was drawn.
inline duration bounded_seconds(double s) {
  if (!(s >= 0)) return duration{};
  return checked_seconds(s).value_or(longest_time);
}

}  // namespace troupe::simulator
