// Finding and ending processes by descent, through /proc. Used by the guardian for everything below a
// worker, and by tasks for daemons that left their process group.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "libruntime/time.hpp"

namespace troupe::worker {

std::vector<pid_t> children_of(pid_t pid);     // of all its threads; empty if it is gone
std::vector<pid_t> descendants_of(pid_t pid);  // parents before children, without `pid`

// Whether the process was started with all of these "NAME=value" entries in its environment. False
// for a zombie.
bool has_environment(pid_t pid, const std::vector<std::string>& entries);
// All processes of the machine that were; one pass over /proc.
std::vector<pid_t> processes_with(const std::vector<std::string>& entries);

// SIGKILL to the process and everything below it, as of now.
void kill_tree(pid_t pid);

// Ends orphans of one task: children of `reaper` (the guardian, which inherits them), other than
// `except`, that carry the task's environment. One small read when there are none. Whether all were
// gone in time.
bool end_orphans(pid_t reaper, pid_t except, const std::vector<std::string>& entries,
                 time_point deadline);

}  // namespace troupe::worker
