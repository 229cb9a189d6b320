// What a simulated cluster is given to do: submissions of tasks, in the order of their times. Pure
// data and the one interface that generated and recorded loads share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libruntime/resources.hpp"
#include "libruntime/time.hpp"

namespace troupe::simulator {

// What tasks of one function have in common.
struct work_kind {
  std::string function;
  resource_set resources;     // of one task; without "cpus", 1 is meant
  std::string pool;           // runs only there; empty: wherever it fits
  std::int32_t priority = 0;  // higher first
  duration expected{};        // what its user says it takes; 0: nothing is said
};

struct planned_task {
  std::uint32_t kind = 0;  // index into load::kinds()
  duration run_time{};
  std::vector<std::uint32_t> after;  // positions in the same submission that must have ended
};

struct submission {
  duration at{};  // since the beginning
  std::vector<planned_task> tasks;
};

class load {
 public:
  virtual ~load() = default;
  virtual const std::vector<work_kind>& kinds() const = 0;
  // Nothing at the end. Times never fall.
  virtual std::optional<submission> next() = 0;
};

// A load that is known as a whole, such as a trace. Shared by the runs that compare policies.
struct recorded_load {
  std::string name;
  std::vector<work_kind> kinds;
  std::vector<submission> submissions;  // sorted by time

  std::uint64_t tasks() const;
};

std::unique_ptr<load> replay(std::shared_ptr<const recorded_load> what);

}  // namespace troupe::simulator
