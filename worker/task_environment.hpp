// The environment of a task's processes: the worker's own, the variables that tell a task what it is
// (TROUPE_TASK_ID and the like), its devices, and what its submitter added; later ones win.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libruntime/worker/worker_core.hpp"
#include "worker/task_settings.hpp"

namespace troupe::worker {

class task_environment {
 public:
  // Reads this process's environment, once.
  explicit task_environment(const task_settings& settings);

  // "NAME=value" each.
  std::vector<std::string> of(const start_order& order, const std::string* entry) const;
  // For a process that serves many tasks.
  const std::vector<std::string>& base() const { return base_; }
  // What only the processes of this attempt have; by it its orphans are found.
  static std::vector<std::string> marks_of(const start_order& order);
  // NAME and value of the variables for devices: the indexes held, or empty for "none of them".
  std::vector<std::pair<std::string, std::string>> devices_of(const assigned_resources& held) const;

 private:
  const task_settings& settings_;
  std::vector<std::string> base_;
};

// Replaces every "{}" by the entry.
std::string with_entry(const std::string& text, const std::string* entry);

}  // namespace troupe::worker
