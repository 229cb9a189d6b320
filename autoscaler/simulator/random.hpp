// Random numbers of a simulation: the same on every machine and with every standard library, which
// the distributions of <random> are not. Each use has a stream of its own, so that a launch more
// or less changes no task's length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libruntime/time.hpp"

namespace troupe::simulator {

// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
class random_stream {
 public:
  random_stream(std::uint64_t seed, std::string_view use);

  std::uint64_t next();
  double uniform();                 // in [0, 1)
  double exponential(double mean);  // > 0
  double normal();                  // mean 0, deviation 1
  bool chance(double probability) { return probability > 0 && uniform() < probability; }

 private:
  std::uint64_t state_;
};

// How long something takes: always the same, evenly between two bounds, or log-normal, given by its
// median and its 99th percentile, as boots and tasks often are.
struct spread {
  enum class shape : std::uint8_t { exact, even, long_tailed };
  spread::shape kind = shape::exact;
  duration low{};   // exact: the value; long_tailed: the median
  duration high{};  // long_tailed: the 99th percentile

  static spread exactly(duration d) { return {shape::exact, d, d}; }
  duration draw(random_stream& random) const;
  duration mean() const;
};

// "30s", "20s-60s", or "40s~2m" (median and 99th percentile). Nothing when it is none of them, or
// longer than bounds.hpp allows; what is drawn is never longer either.
std::optional<spread> parse_spread(std::string_view text);
std::string to_string(const spread& s);

}  // namespace troupe::simulator
