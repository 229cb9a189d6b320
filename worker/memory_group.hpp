// A memory control group for one task, where this process may make some: cgroup v1 or v2. Covers the
// task's whole process tree. Where none can be made, RLIMIT_DATA of each process has to do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "libruntime/time.hpp"
#include "worker/spawn.hpp"
#include "worker/unique_fd.hpp"

namespace troupe::worker {

class memory_group {
 public:
  // Below this process's own group. `name` is a file name. Nothing where it isn't allowed.
  static std::optional<memory_group> make(const std::string& name, std::uint64_t limit);
  memory_group(memory_group&& other) noexcept
      : path_(std::exchange(other.path_, {})), procs_(std::move(other.procs_)) {}
  memory_group& operator=(memory_group&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(procs_, other.procs_);
    return *this;
  }
  ~memory_group();  // kills what is left in it and removes it

  int procs_fd() const { return procs_.get(); }  // write "0" to join
  bool limit_was_hit() const;                    // something in it was killed for it

 private:
  memory_group(std::filesystem::path path, unique_fd procs)
      : path_(std::move(path)), procs_(std::move(procs)) {}

  std::filesystem::path path_;
  unique_fd procs_;
};

// Where this process's own memory group is, and of which version; nothing where there is none.
struct own_memory_group {
  std::filesystem::path path;
  bool v2 = false;
};
std::optional<own_memory_group> find_own_memory_group();

// For a process that is alone in its group (a service with Delegate=yes, a container): moves it into
// a leaf of the group, so that v2 allows groups for tasks beside the leaf. Called before the guardian
// forks; does nothing where it isn't needed or allowed.
void prepare_memory_groups();

// How a process came to its end, for people, if its memory limit (0: none) may be why: under a group
// that is known; without one, allocations fail, which few programs survive in order.
std::string about_memory(const std::optional<memory_group>& group, std::uint64_t limit,
                         const exit_status& status);

}  // namespace troupe::worker
