// How long tasks waited from being ready to running for the first time. Kept to a thousandth part,
// so that the percentiles of a year of tasks need little memory.
#pragma once

#include <cstdint>
#include <vector>

#include "libruntime/time.hpp"

namespace troupe::simulator {

class wait_record {
 public:
  void add(duration wait);
  std::uint64_t count() const { return count_; }
  double mean() const { return count_ ? sum_ / static_cast<double>(count_) : 0; }  // seconds
  double longest() const { return longest_; }
  // The wait that this part of the tasks did not exceed (0.95: the 95th percentile), in seconds;
  // 0 without tasks.
  double percentile(double part) const;

 private:
  std::vector<std::uint64_t> buckets_;  // logarithmic, from 1 ms on; the first has what is below
  std::uint64_t count_ = 0;
  double sum_ = 0, longest_ = 0;
};

}  // namespace troupe::simulator
