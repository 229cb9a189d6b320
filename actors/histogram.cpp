#include <algorithm>

#include "actors/interfaces.hpp"

namespace troupe::actors {

void histogram::observe(double seconds) {
  if (bounds.empty()) {  // 1 µs to about 1 hour, four-fold steps
    for (double b = 1e-6; b < 4000; b *= 4) bounds.push_back(b);
    counts.assign(bounds.size() + 1, 0);
  }
  auto i = std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin();
  ++counts[static_cast<std::size_t>(i)];
  sum += seconds;
}

}  // namespace troupe::actors
