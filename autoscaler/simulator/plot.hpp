// The time line of a run for people and for spreadsheets. Pure: text out, no files.
#pragma once

#include <string>
#include <vector>

#include "autoscaler/simulator/simulation.hpp"

namespace troupe::simulator {

// A title line and one line a sample: policy, seconds, tasks by state, workers by state, waits of
// those that started since the line before, worker-hours and cost so far. `header` false leaves the
// titles out, so that several runs fit into one file.
std::string time_line_csv(const outcome& o, bool header);

// A picture as SVG: the queue, workers by state, waiting times and cost over time.
std::string time_line_svg(const outcome& o, const std::string& title);

}  // namespace troupe::simulator
