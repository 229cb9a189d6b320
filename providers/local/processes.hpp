// Processes of this machine, as /proc shows them: found by the tags in their environment, signalled
// through pidfds so that a reused pid is never hit. Internal to the local provider; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "providers/provider.hpp"

namespace troupe::providers {

// Closes itself; -1 is none.
class owned_fd {
 public:
  owned_fd() = default;
  explicit owned_fd(int fd) : fd_(fd) {}
  owned_fd(owned_fd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  owned_fd& operator=(owned_fd&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~owned_fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct seen_process {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  std::uint64_t started = 0;  // clock ticks since boot
  // Of its environment; empty without our cluster's id.
  request_id request;
  std::string pool;
};

// All other processes of this user that can be read, zombies excluded; tags only of this cluster.
std::vector<seen_process> scan_processes(const std::string& cluster);

// Those that carry the request's tag, everything in their sessions (instances have their own) and in
// that of their leader, if that is known, and everything below.
std::vector<pid_t> tree_of(const std::vector<seen_process>& all, const request_id& request,
                           pid_t leader = 0);

// A handle on the process, if it is (still) one that carries the tags.
owned_fd open_tagged(pid_t pid, const std::string& cluster, const request_id& request);
owned_fd open_process(pid_t pid);  // invalid when it is gone
void signal_process(const owned_fd& process, int signal);

// Ends these requests' trees by SIGKILL; looks again until nothing is found, at most for `limit`.
// Whether nothing is left. Each request comes with the pid of its leader, which may have died but
// must not have been waited for (or its pid, and so its session, may be somebody else's); else 0.
bool kill_trees(const std::string& cluster, const std::map<request_id, pid_t>& requests,
                duration limit);

struct spawn_request {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;  // wins over what this process has
  std::string working_directory;
  std::filesystem::path output;  // stdout and stderr, appended; made with mode 0600
};
// Starts it as the leader of a new session, with nothing inherited but its environment.
answer<pid_t> spawn(const spawn_request& request);

// What is at the end of a file, made printable: at most that many lines and bytes.
std::string last_lines(const std::filesystem::path& file, std::size_t lines, std::size_t bytes);

}  // namespace troupe::providers
