// Starting and awaiting child processes: each leads a process group of its own, holds no descriptor
// but its standard ones, has default signal handling, and dies with the thread that started it.
//
// Uses clone(CLONE_VM | CLONE_VFORK), as posix_spawn does: the cost doesn't grow with the worker's
// memory. Any thread; a child belongs to the thread that spawned it. Failures name the program, the
// folder and what to do.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libruntime/failure.hpp"
#include "libruntime/time.hpp"
#include "worker/unique_fd.hpp"

namespace troupe::worker {

struct spawn_request {
  std::vector<std::string> argv;  // argv[0] without '/' is looked up in the PATH of `env`
  std::vector<std::string> env;   // "NAME=value"
  std::string cwd;                // empty: the worker's own
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;  // -1: /dev/null
  int extra_fd = -1;              // becomes descriptor 3
  std::uint64_t data_limit = 0;   // RLIMIT_DATA, bytes; 0: none
  int cgroup_procs_fd = -1;       // a cgroup.procs, open for writing: the child joins the group
};

struct exit_status {
  int code = -1;   // -1 when a signal ended it
  int signal = 0;  // 0 when it exited
};
std::string to_string(exit_status s);  // "exited with code 3", "was killed by signal 9 (SIGKILL)"

// A child that is not reaped yet. Destroyed before that, it is killed, with its group.
class child_process {
 public:
  child_process(pid_t pid, unique_fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  child_process(child_process&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)) {}
  child_process& operator=(child_process&&) = delete;
  ~child_process();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }  // readable once it has ended; -1: not to be had here
  bool ended() const;
  void signal_group(int signal) const;

  enum class wait_result : std::uint8_t { ended, woken, timeout };
  // Until the process ends, `wake_fd` (-1: none) is readable, or the deadline passes.
  wait_result wait(int wake_fd, time_point deadline) const;

  // Kills what is left of its group while its number is still ours, then reaps it.
  // Blocks until the process has ended.
  exit_status reap();

 private:
  wait_result wait_by_polling(int wake_fd, time_point deadline) const;

  pid_t pid_ = 0;
  unique_fd pidfd_;  // none on kernels and sandboxes without pidfd_open
};

result<child_process> spawn(const spawn_request& request);

// "ENOENT"-like errors in words, for messages: "No such file or directory".
std::string error_text(int error);

}  // namespace troupe::worker
