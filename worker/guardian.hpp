// The guardian: a small parent process of every worker. It inherits what the worker's tasks orphan;
// when the worker ends, however it ends, it kills everything below itself within two seconds, then
// ends. So no task survives its worker, and no retry runs beside its predecessor.
//
// If the guardian itself is killed, the worker notices and does the same: kills its tasks, then ends.
#pragma once

#include <sys/types.h>

#include <functional>

namespace troupe::worker {

// Forks: the child runs worker_main and exits with what it returns; the parent becomes the guardian
// and returns the status to exit with: the worker's own, or 128 + signal, when nothing is left of it.
// How the worker ended is written to stderr if it was by a signal. SIGTERM, SIGINT, SIGHUP and SIGQUIT
// to the guardian are passed to the worker, which has its own process group: a terminal's Ctrl-C
// reaches it once.
// pre: the process has no threads yet. Throws std::system_error if it cannot fork.
int run_guarded(const std::function<int()>& worker_main);

// In a guarded worker: its guardian, for task_settings; 0 anywhere else.
pid_t guardian_pid();

}  // namespace troupe::worker
