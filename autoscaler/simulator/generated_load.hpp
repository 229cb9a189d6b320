// Loads by formula. Arrivals are a Poisson process whose rate follows the shape (by thinning), so
// that even a constant rate is as uneven as independent users make it. Made as they are asked for:
// a year of them takes no memory.
//
//   step     nothing for the first tenth, then `rate` to the end
//   ramp     rises evenly from nothing to `rate` in the middle, and falls again
//   burst    a tenth of `rate`, and at the middle of every period as many tasks at once as `rate`
//            would bring in a tenth of it
//   diurnal  a day's wave between a twentieth of `rate` at midnight, when it begins, and `rate`
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "autoscaler/simulator/load.hpp"
#include "autoscaler/simulator/random.hpp"

namespace troupe::simulator {

enum class load_shape : std::uint8_t { step, ramp, burst, diurnal };
inline constexpr std::array load_shapes{load_shape::step, load_shape::ramp, load_shape::burst,
                                        load_shape::diurnal};
std::string_view to_string(load_shape s);  // "step"
std::optional<load_shape> parse_load_shape(std::string_view name);

struct generated_load_settings {
  load_shape shape = load_shape::step;
  duration length = std::chrono::hours{1};
  double rate = 1;                         // tasks a second, at the top; > 0
  duration period{};                       // of bursts and waves; 0: default_period()
  spread run_time = spread::exactly(std::chrono::seconds{10});
  work_kind kind{"task", {}, {}, 0, {}};
  std::uint64_t seed = 1;

  // A day for `diurnal`, a sixth of the length otherwise.
  duration default_period() const;
};

std::unique_ptr<load> generate(generated_load_settings settings);

}  // namespace troupe::simulator
