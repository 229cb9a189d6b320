// One line at the bottom of a terminal that says how far a job is. Pure: it makes texts; output.hpp
// decides whether anybody sees them.
#pragma once

#include <cstddef>
#include <string>

namespace troupe::cli {

struct progress_state {
  std::size_t total = 0;
  std::size_t ended = 0;
  std::size_t failed = 0;  // of those
  double elapsed = 0;      // seconds since the start
};

// "[=====>     ]  123/400  2 failed  40/s  ~7s left", at most `width` columns.
std::string progress_line(const progress_state& p, std::size_t width);

}  // namespace troupe::cli
