// What the kernel says about a process.
#pragma once

#include <sys/types.h>

namespace troupe::bench {

double cpu_seconds(pid_t pid);  // in user and kernel mode, since it began
// The same of it and of those that it started, and they, and live.
double cpu_seconds_with_children(pid_t pid);
double resident_mib(pid_t pid);

}  // namespace troupe::bench
