// Numbers as reasons and explanations say them. Internal to the policy.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "libruntime/units.hpp"

namespace troupe::autoscaler {

inline std::string workers(std::uint64_t n) {
  return std::to_string(n) + (n == 1 ? " worker" : " workers");
}

// "12.4s"; times in reasons are for people, so they are rounded.
inline std::string seconds(double s) {
  return format_duration(std::chrono::milliseconds{
      static_cast<std::int64_t>(s < 10 ? std::round(s * 10) * 100 : std::round(s) * 1000)});
}

}  // namespace troupe::autoscaler
