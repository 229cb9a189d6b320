// A pretend provider: what really exists, as opposed to what the manager of the pool believes.
// Instances are made and ended after delays; launches are refused, boots fail, instances die or are
// taken away, answers get lost or come twice, all by the rates of `conditions` and a seed.
//
// An instance is paid for from the moment it is made until it is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "autoscaler/simulator/calendar.hpp"
#include "autoscaler/simulator/random.hpp"

namespace troupe::simulator {

// How the world treats a pool. Rates are probabilities for each launch, or for each instance and
// hour.
struct conditions {
  spread call = spread::exactly(std::chrono::seconds{1});   // from a request to its answer
  spread boot = spread::exactly(std::chrono::seconds{30});  // from then until the worker registers
  spread stop = spread::exactly(std::chrono::seconds{1});   // from the order to the end
  double launch_failures = 0;    // refused
  double boot_failures = 0;      // die before their worker registers
  double lost_messages = 0;      // answers and notices of ends that never arrive
  double duplicate_answers = 0;  // answers that arrive again, late
  double crashes = 0;            // an hour
  double preemptions = 0;        // an hour, after `notice`
  duration notice = std::chrono::minutes{2};
  std::optional<std::uint32_t> capacity;  // instances at once; more launches are refused
};

using launch_number = std::uint32_t;  // 1, 2, 3 … in a pool

// What the provider lets its pool know. `died` is how workers find out, at once; the manager hears
// of an end by `ended`, which may get lost.
struct provider_events {
  std::function<void(launch_number, bool made)> answered;
  std::function<void(launch_number)> booted;
  std::function<void(launch_number)> preempted;  // it will be gone after the notice
  std::function<void(launch_number)> died;
  std::function<void(launch_number)> ended;
};

class provider {
 public:
  provider(conditions c, std::uint64_t seed, const std::string& pool, calendar& time,
           provider_events events);

  void launch(launch_number n);
  void terminate(launch_number n);  // again, or of one that never was: nothing happens
  bool exists(launch_number n) const { return instances_.count(n) > 0; }
  std::uint32_t alive() const { return static_cast<std::uint32_t>(instances_.size()); }
  std::vector<launch_number> list() const;
  // Kills it, as a crash does. For tests.
  void kill(launch_number n);
  conditions& world() { return conditions_; }  // for tests that change it half-way

 private:
  struct instance {
    bool stopping = false;
  };
  void make(launch_number n);
  void plan_life(launch_number n);
  void end(launch_number n);

  conditions conditions_;
  random_stream launches_, faults_;
  calendar& time_;
  provider_events events_;
  std::map<launch_number, instance> instances_;
};

}  // namespace troupe::simulator
