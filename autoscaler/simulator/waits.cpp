#include "autoscaler/simulator/waits.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::simulator {

namespace {

constexpr double smallest = 1e-3;  // seconds
constexpr double growth = 1.001;   // of a bucket's bounds from one to the next

}  // namespace

void wait_record::add(duration wait) {
  const auto seconds = to_seconds(wait);
  std::size_t bucket = 0;
  if (seconds > smallest)
    bucket = 1 + static_cast<std::size_t>(std::log(seconds / smallest) / std::log(growth));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  sum_ += seconds;
  longest_ = std::max(longest_, seconds);
}

double wait_record::percentile(double part) const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen < rank || seen == 0) continue;
    if (i == 0) return 0;
    return std::min(smallest * std::pow(growth, static_cast<double>(i)), longest_);
  }
  return longest_;
}

}  // namespace troupe::simulator
