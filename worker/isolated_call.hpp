// Calls in a process of their own (`isolation: process`): a crash, a kill or a memory limit costs one
// task. The process is the worker's program started anew (task_settings::call_host, which ends up in
// run_call_host): a fork of a process with threads could stop at any lock another thread held.
//
// A host serves one call at a time and is kept for the next one, unless the call had a memory limit,
// was stopped, or left processes behind. Called by the slots' threads; blocks until the call is over.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "libruntime/worker/worker_core.hpp"
#include "worker/call_services.hpp"
#include "worker/task_environment.hpp"
#include "worker/task_settings.hpp"

namespace troupe::worker {

class isolated_calls {
 public:
  isolated_calls(const task_settings& settings, const task_environment& environment);
  ~isolated_calls();  // ends the idle hosts

  // What the function returned; task_error naming the exit code or signal if its process died.
  result<value> run(const start_order& order, const value& arguments, const stop_control& stop,
                    progress_sink& sink);

 private:
  struct host;
  class conversation;

  struct logs;
  // What became of one try with one host: nothing, if a reused one had died before it began.
  std::optional<result<value>> try_with(std::unique_ptr<host> h, bool reused,
                                        const start_order& order, const value& arguments,
                                        const stop_control& stop, progress_sink& sink,
                                        const logs& files);
  std::unique_ptr<host> idle_host();
  result<std::unique_ptr<host>> start_host(const start_order& order, const logs& files);

  const task_settings& settings_;
  const task_environment& environment_;
  std::mutex mutex_;  // guards idle_
  std::vector<std::unique_ptr<host>> idle_;  // at most one a slot
};

}  // namespace troupe::worker
