// A worker process: guardian, executor, worker actor and the uplink to its head. Ends when the head
// says so, when it is told by SIGTERM, or when the head has been silent for the death timeout; every
// task it started ends with it, however it ends.
#pragma once

#include <optional>

#include "actors/worker_options.hpp"
#include "libruntime/function_registry.hpp"

namespace troupe::actors {

// Blocks until the worker ends; the exit code. Must be called before the process has any thread: it
// forks (see worker/guardian.hpp).
int run_worker(worker_options options, const function_registry& functions);

// run_worker if the environment says that this process is to be a worker, or one of the helpers of
// worker/modules.hpp; otherwise nothing.
std::optional<int> worker_process_main(int argc, char** argv, const function_registry& functions);

}  // namespace troupe::actors
