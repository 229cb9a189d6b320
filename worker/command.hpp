// Running a command (`exec`) to its end, in the calling thread: that thread is a slot and has nothing
// else to do, so a reaper shared by all would only add hops.
//
// The command's streams go straight into the task's log files; nothing is pumped, so output of any
// size costs no memory here. The result keeps the first 64 KiB of each stream; a failure quotes the
// end of stderr. What is left of the process tree when the main process ends is killed.
#pragma once

#include "libruntime/failure.hpp"
#include "libruntime/value.hpp"
#include "libruntime/worker/worker_core.hpp"
#include "worker/task_environment.hpp"
#include "worker/task_settings.hpp"

namespace troupe::worker {

// An exec_result for exit code 0; task_error for anything else the command did or could not do;
// io when the worker could not set it up; cancelled when `stop` ended it (the core knows why).
result<value> run_command(const start_order& order, const stop_control& stop,
                          const task_settings& settings, const task_environment& environment);

}  // namespace troupe::worker
