// Workers as processes on this machine. Each instance is the leader of a session of its own; its
// stdout and stderr go to a file in the state folder, whose last lines are told when it ends.
//
// Instances carry cluster, pool and request id in their environment: that is how a restarted head
// finds them, through /proc, and how everything they leave behind is found and ended. One thread
// starts, watches (pidfd) and ends them; callers never wait. Only processes of this user that carry
// this cluster's id are ever signalled.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "providers/provider.hpp"

namespace troupe::providers {

struct local_settings {
  std::string cluster;                                   // id
  std::filesystem::path log_folder;                      // of instances' output; made if missing
  duration stop_grace = std::chrono::seconds{10};        // from SIGTERM to SIGKILL
  std::uint64_t max_log_bytes = std::uint64_t{8} << 20;  // of one instance's output, then cut
  std::size_t kept_logs = 50;                            // of instances that ended badly
};

// Instances survive the provider's end: the next head, or the workers' own death timeout, ends
// them. Who wants them gone terminates them first.
std::unique_ptr<provider> make_local_provider(local_settings settings);

}  // namespace troupe::providers
