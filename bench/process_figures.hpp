// What the kernel says about a process.
#pragma once

#include <sys/types.h>

namespace troupe::bench {

double cpu_seconds(pid_t pid);  // in user and kernel mode, since it began
double resident_mib(pid_t pid);

}  // namespace troupe::bench
