#include "worker/memory_group.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "libruntime/units.hpp"

namespace troupe::worker {
namespace fs = std::filesystem;
namespace {

std::string read_text(const fs::path& file) {
  std::ifstream in{file};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

bool write_text(const fs::path& file, const std::string& text) {
  unique_fd fd{open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  return fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool has_word(const std::string& text, std::string_view word) {
  std::istringstream in{text};
  for (std::string w; in >> w;)
    if (w == word) return true;
  return false;
}

// Where a controller's hierarchy is mounted: the line of /proc/mounts that has the type and option.
fs::path mount_of(std::string_view type, std::string_view option) {
  std::ifstream mounts{"/proc/mounts"};
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields{line};
    std::string device, where, kind, options;
    fields >> device >> where >> kind >> options;
    bool has = option.empty() || ("," + options + ",").find("," + std::string{option} + ",") !=
                                     std::string::npos;
    if (kind == type && has) return where;
  }
  return {};
}

// "5:memory:/x" for v1, "0::/x" for v2. A container sees its group as the mount's root while the
// path is the host's: then the root is meant.
fs::path join_group(const fs::path& mount, const std::string& relative) {
  auto path = mount / fs::path{relative}.relative_path();
  std::error_code e;
  return fs::exists(path / "cgroup.procs", e) ? path : mount;
}

constexpr const char* leaf_name = "troupe-worker";

// v2 forbids processes in a group that shares out memory, so tasks' groups are siblings of the leaf
// that this process was moved to.
fs::path parent_for_tasks(const own_memory_group& own) {
  return own.v2 && own.path.filename() == leaf_name ? own.path.parent_path() : own.path;
}

}  // namespace

std::optional<own_memory_group> find_own_memory_group() {
  std::ifstream in{"/proc/self/cgroup"};
  std::optional<own_memory_group> v2;
  for (std::string line; std::getline(in, line);) {
    auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    auto relative = line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos) {
      auto mount = mount_of("cgroup", "memory");
      if (!mount.empty()) return own_memory_group{join_group(mount, relative), false};
    } else if (controllers == ",,") {
      auto mount = mount_of("cgroup2", "");
      if (mount.empty()) continue;
      auto path = join_group(mount, relative);
      if (has_word(read_text(path / "cgroup.controllers"), "memory"))
        v2 = own_memory_group{path, true};
    }
  }
  return v2;
}

void prepare_memory_groups() {
  auto own = find_own_memory_group();
  if (!own || !own->v2 || own->path.filename() == leaf_name) return;
  if (has_word(read_text(own->path / "cgroup.subtree_control"), "memory")) return;
  auto leaf = own->path / leaf_name;
  if (::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) return;
  if (!write_text(leaf / "cgroup.procs", "0")) {
    ::rmdir(leaf.c_str());
    return;
  }
  // Refused when others share the group; then we go back, and rlimits have to do.
  if (write_text(own->path / "cgroup.subtree_control", "+memory")) return;
  if (write_text(own->path / "cgroup.procs", "0")) ::rmdir(leaf.c_str());
}

std::optional<memory_group> memory_group::make(const std::string& name, std::uint64_t limit) {
  static std::atomic<unsigned> serial{0};  // an earlier group of the name may still be dying
  static const auto own = find_own_memory_group();
  if (!own) return std::nullopt;
  auto path = parent_for_tasks(*own) /
              ("troupe-" + std::to_string(getpid()) + "-" + name + "-" + std::to_string(++serial));
  if (::mkdir(path.c_str(), 0755) != 0) return std::nullopt;
  auto bytes = std::to_string(limit);
  bool limited = own->v2 ? write_text(path / "memory.max", bytes)
                         : write_text(path / "memory.limit_in_bytes", bytes);
  // Without a limit on swap as well, the task would thrash instead of ending. Absent where swap
  // accounting is off.
  if (own->v2) (void)write_text(path / "memory.swap.max", "0");
  else (void)write_text(path / "memory.memsw.limit_in_bytes", bytes);
  unique_fd procs{open((path / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)};
  if (!limited || !procs) {
    ::rmdir(path.c_str());
    return std::nullopt;
  }
  return memory_group{std::move(path), std::move(procs)};
}

memory_group::~memory_group() {
  if (path_.empty()) return;
  procs_.reset();
  auto deadline = clock::now() + std::chrono::seconds{2};
  while (::rmdir(path_.c_str()) != 0 && errno == EBUSY && clock::now() < deadline) {
    (void)write_text(path_ / "cgroup.kill", "1");  // v2 since Linux 5.14
    std::istringstream pids{read_text(path_ / "cgroup.procs")};
    for (pid_t pid; pids >> pid;) ::kill(pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

bool memory_group::limit_was_hit() const {
  for (const char* file : {"memory.events", "memory.oom_control"}) {
    std::istringstream in{read_text(path_ / file)};
    std::string name;
    for (std::uint64_t count = 0; in >> name >> count;)
      if (name == "oom_kill") return count > 0;
  }
  return false;
}

std::string about_memory(const std::optional<memory_group>& group, std::uint64_t limit,
                         const exit_status& status) {
  if (limit == 0) return {};
  if (group)
    return group->limit_was_hit() ? ": it used more than its memory limit of " + format_bytes(limit)
                                  : std::string{};
  return status.signal != 0 ? ", under its memory limit of " + format_bytes(limit) : std::string{};
}

}  // namespace troupe::worker
