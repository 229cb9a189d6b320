// Time as pure code sees it: an argument. Only the edges read a clock.
#pragma once

#include <chrono>

namespace troupe {

using std::chrono::duration_cast;
using clock = std::chrono::steady_clock;
using duration = std::chrono::nanoseconds;
using time_point = std::chrono::time_point<clock, duration>;

inline double to_seconds(duration d) { return std::chrono::duration<double>(d).count(); }
inline duration from_seconds(double s) {
  return std::chrono::duration_cast<duration>(std::chrono::duration<double>(s));
}

}  // namespace troupe
