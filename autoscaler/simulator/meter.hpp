// What a run amounted to: sums over time of what was paid for and used, peaks, and a time line of
// samples that is thinned out as it grows, so that an hour and a year both have a few hundred.
#pragma once

#include <cstdint>
#include <vector>

#include "autoscaler/simulator/random.hpp"
#include "autoscaler/simulator/waits.hpp"
#include "libruntime/time.hpp"

namespace troupe::simulator {

// The cluster at one moment.
struct gauges {
  std::uint64_t waiting = 0, running = 0;  // tasks
  std::uint32_t starting = 0, idle = 0, busy = 0, leaving = 0;  // workers as the managers see them
  std::uint32_t billed = 0;       // instances that exist
  std::uint32_t busy_workers = 0;  // that run something, leaving ones too
  double billed_cpus = 0, busy_cpus = 0;
  double cost_per_hour = 0;  // of all instances that exist

  std::uint32_t workers() const { return starting + idle + busy; }
};

struct sample {
  duration at{};  // since the beginning
  gauges now;
  double cost = 0;          // so far
  double worker_hours = 0;  // so far
  // Tasks that started since the sample before.
  std::uint64_t started = 0;
  double mean_wait = 0, longest_wait = 0;  // seconds
};

class meter {
 public:
  meter(time_point start, duration interval, std::size_t most_samples)
      : start_(start), last_(start), next_sample_(start), interval_(interval), most_(most_samples) {}

  // Nothing changed between the last call and `now`; `g` is what there was.
  void advance(time_point now, const gauges& g);
  void task_started(duration wait);
  void finish(time_point now, const gauges& g);  // a last sample

  double worker_seconds() const { return worker_seconds_; }
  double billed_cpu_seconds() const { return billed_cpu_seconds_; }
  double busy_cpu_seconds() const { return busy_cpu_seconds_; }
  double cost() const { return cost_; }
  std::uint32_t most_workers() const { return most_workers_; }
  std::uint32_t most_busy() const { return most_busy_; }
  const std::vector<sample>& samples() const { return samples_; }

 private:
  void take(time_point at, const gauges& g);
  void thin_out();

  const time_point start_;
  time_point last_, next_sample_;
  duration interval_;
  const std::size_t most_;
  double worker_seconds_ = 0, billed_cpu_seconds_ = 0, busy_cpu_seconds_ = 0, cost_ = 0;
  std::uint32_t most_workers_ = 0, most_busy_ = 0;
  std::vector<sample> samples_;
  std::uint64_t started_ = 0;
  double waited_ = 0, longest_ = 0;
};

}  // namespace troupe::simulator
