#include "autoscaler/simulator/axis.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace troupe::simulator {

namespace {

constexpr double ticks_wanted = 5;

axis with_step(double most, double step) {
  axis a;
  a.ticks.clear();
  const auto n = static_cast<int>(std::ceil(most / step - 1e-9));
  for (int i = 0; i <= std::max(n, 1); ++i) a.ticks.push_back(i * step);
  a.top = a.ticks.back();
  return a;
}

double round_step(double rough) {
  const auto power = std::pow(10, std::floor(std::log10(rough)));
  for (double factor : {1.0, 2.0, 5.0, 10.0})
    if (factor * power >= rough * 0.999) return factor * power;
  return 10 * power;
}

}  // namespace

axis axis_up_to(double most, bool whole) {
  const auto shown = most > 0 ? most : 1;
  auto step = round_step(shown / ticks_wanted);
  if (whole && step < 1) step = 1;
  return with_step(shown, step);
}

axis time_axis_up_to(double seconds) {
  constexpr std::array steps{1.0,   2.0,   5.0,    10.0,   20.0,   30.0,   60.0,   120.0,
                             300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0,
                             43200.0};
  const auto rough = seconds / 8;
  if (rough < 1) return with_step(seconds > 0 ? seconds : 1, round_step(rough > 0 ? rough : 0.1));
  for (double step : steps)
    if (step >= rough) return with_step(seconds, step);
  return with_step(seconds, 86400 * round_step(std::max(rough / 86400, 1.0)));
}

std::string tick_text(double x) {
  char text[32];
  if (x >= 1e6) {
    std::snprintf(text, sizeof text, "%.3gM", x / 1e6);
  } else if (x >= 1e4) {
    std::snprintf(text, sizeof text, "%.3gk", x / 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.4g", x);
  }
  return text;
}

time_unit unit_for(double seconds) {
  if (seconds >= 4 * 86400) return {"d", 86400};
  if (seconds >= 3 * 3600) return {"h", 3600};
  if (seconds >= 180) return {"min", 60};
  return {"s", 1};
}

}  // namespace troupe::simulator
