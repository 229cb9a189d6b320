#include "autoscaler/simulator/meter.hpp"

#include <algorithm>
#include <utility>

namespace troupe::simulator {

void meter::advance(time_point now, const gauges& g) {
  while (next_sample_ <= now) {
    take(next_sample_, g);
    next_sample_ += interval_;
    if (samples_.size() >= most_) thin_out();  // sets the next one too
  }
  const auto seconds = to_seconds(now - last_);
  last_ = now;
  worker_seconds_ += seconds * g.billed;
  billed_cpu_seconds_ += seconds * g.billed_cpus;
  busy_cpu_seconds_ += seconds * g.busy_cpus;
  cost_ += seconds / 3600 * g.cost_per_hour;
  most_workers_ = std::max(most_workers_, g.workers());
  most_busy_ = std::max(most_busy_, g.busy_workers);
}

void meter::task_started(duration wait) {
  ++started_;
  waited_ += to_seconds(wait);
  longest_ = std::max(longest_, to_seconds(wait));
}

void meter::finish(time_point now, const gauges& g) {
  advance(now, g);
  if (samples_.empty() || samples_.back().at < now - start_) take(now, g);
}

void meter::take(time_point at, const gauges& g) {
  sample s;
  s.at = at - start_;
  s.now = g;
  const auto since = to_seconds(at - last_);
  s.cost = cost_ + since / 3600 * g.cost_per_hour;
  s.worker_hours = (worker_seconds_ + since * g.billed) / 3600;
  s.started = std::exchange(started_, 0);
  s.mean_wait = s.started ? waited_ / static_cast<double>(s.started) : 0;
  s.longest_wait = std::exchange(longest_, 0);
  waited_ = 0;
  samples_.push_back(s);
}

// Every second one goes; what it knows of waits goes to its successor.
void meter::thin_out() {
  std::vector<sample> kept;
  kept.reserve(most_);
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    auto s = samples_[i];
    if (i % 2 == 0 && i > 0) {
      const auto& before = samples_[i - 1];
      const auto n = s.started + before.started;
      if (n > 0)
        s.mean_wait = (s.mean_wait * static_cast<double>(s.started) +
                       before.mean_wait * static_cast<double>(before.started)) /
                      static_cast<double>(n);
      s.started = n;
      s.longest_wait = std::max(s.longest_wait, before.longest_wait);
    }
    if (i % 2 == 0) kept.push_back(s);
  }
  // The one that went last has no successor yet.
  if (samples_.size() % 2 == 0) {
    started_ += samples_.back().started;
    waited_ += samples_.back().mean_wait * static_cast<double>(samples_.back().started);
    longest_ = std::max(longest_, samples_.back().longest_wait);
  }
  samples_ = std::move(kept);
  interval_ *= 2;
  next_sample_ = start_ + samples_.back().at + interval_;
}

}  // namespace troupe::simulator
