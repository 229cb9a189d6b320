// Time for measurements.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace troupe::bench {

class stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// `share` of the samples are at most this. Changes their order.
inline double quantile(std::vector<double>& samples, double share) {
  auto i = static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(i), samples.end());
  return samples[i];
}

}  // namespace troupe::bench
