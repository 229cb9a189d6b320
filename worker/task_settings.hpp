// What the worker needs to know to run tasks; filled by the wiring from worker_settings and from what
// it was told by its head.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "libruntime/time.hpp"

namespace troupe::worker {

struct task_settings {
  std::filesystem::path log_dir = "logs";
  std::filesystem::path scratch = "scratch";  // default working folder of commands, too
  std::string address;                        // of the head: TROUPE_ADDRESS
  duration cancel_grace = std::chrono::seconds{5};  // from SIGTERM to SIGKILL
  std::size_t capture = std::size_t{64} << 10;      // of each stream, kept in the result
  std::vector<std::string> hidden_env{"TROUPE_TOKEN", "TROUPE_LAUNCH_TOKEN", "TROUPE_WORKER",
                                      "TROUPE_WORKER_MODULES"};  // not for tasks
  // Resources told apart by index, and the variable that tells a task which ones are its own.
  std::vector<std::pair<std::string, std::string>> device_variables{
      {"GPU", "CUDA_VISIBLE_DEVICES"}, {"gpus", "CUDA_VISIBLE_DEVICES"}};
  std::vector<std::string> indexed;    // those of this worker
  std::vector<std::string> call_host;  // command of the process for isolated calls; empty: none
  std::vector<std::string> call_host_env;  // added for it, "NAME=value"
  pid_t guardian = 0;                  // inherits orphans; 0: nobody of ours does
};

}  // namespace troupe::worker
