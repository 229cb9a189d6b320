// Round numbers for the axes of plots, and how they are written. Pure.
#pragma once

#include <string>
#include <vector>

namespace troupe::simulator {

struct axis {
  double top = 1;             // where it ends, a round number ≥ what is shown
  std::vector<double> ticks;  // from 0 to top
};

// For amounts: steps of 1, 2 or 5 times a power of ten. `whole`: no parts of units.
axis axis_up_to(double most, bool whole);
// For times in seconds: steps that people read: seconds, minutes, hours, days.
axis time_axis_up_to(double seconds);

std::string tick_text(double x);               // "0.5", "20", "1,500", "2M"
// One unit for all ticks of an axis: "s", "min", "h" or "d", and its seconds.
struct time_unit {
  const char* name = "s";
  double seconds = 1;
};
time_unit unit_for(double seconds);

}  // namespace troupe::simulator
