// Runs one task in the calling thread, whatever its kind: a registered function, a function in a
// process of its own, or a command. Owned by the executor; run() may be called by all its slots at
// once. Never throws: what goes wrong is the task's failure.
#pragma once

#include <memory>

#include "libruntime/function_registry.hpp"
#include "libruntime/worker/worker_core.hpp"
#include "worker/call_services.hpp"
#include "worker/isolated_call.hpp"
#include "worker/task_environment.hpp"
#include "worker/task_settings.hpp"

namespace troupe::worker {

class task_runner {
 public:
  explicit task_runner(const task_settings& settings)
      : settings_(settings), environment_(settings), isolated_(settings, environment_) {}

  // Makes the folders that tasks use.
  void prepare() const;
  result<value> run(start_order& order, const stop_control& stop, progress_sink& sink);

 private:
  result<value> run_call(start_order& order, const stop_control& stop, progress_sink& sink);

  const task_settings& settings_;
  task_environment environment_;
  isolated_calls isolated_;
};

}  // namespace troupe::worker
