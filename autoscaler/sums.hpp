// Arithmetic of numbers of workers, where the largest number stands for "no limit". Internal to the
// policy.
#pragma once

#include <cstdint>
#include <limits>

namespace troupe::autoscaler {

inline constexpr auto unlimited = std::numeric_limits<std::uint32_t>::max();

constexpr std::uint32_t less(std::uint32_t a, std::uint32_t b) {
  return a > b ? a - b : 0;
}

constexpr std::uint32_t plus(std::uint32_t a, std::uint32_t b) {
  return b > unlimited - a ? unlimited : a + b;
}

}  // namespace troupe::autoscaler
