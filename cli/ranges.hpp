// Indices of a job's tasks as people write them. Pure.
#pragma once

#include <string_view>

#include "libruntime/failure.hpp"
#include "libruntime/ids.hpp"

namespace troupe::cli {

// Both ends belong to it.
struct array_range {
  task_index first = 0, last = 0;
  std::uint32_t count() const { return last - first + 1; }
  friend bool operator==(const array_range&, const array_range&) = default;
};

// "1-80", or "7" for that one index. At most 2^32 - 1 of them.
result<array_range> parse_array(std::string_view text);

}  // namespace troupe::cli
