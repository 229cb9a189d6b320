#include "worker/machine.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <string_view>
#include <thread>
#include <vector>

#include "worker/process_tree.hpp"

namespace troupe::worker {
namespace fs = std::filesystem;
namespace {

std::string text_of(const fs::path& file) {
  std::ifstream in{file};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// A number, or nothing for "max", -1 and what isn't there.
std::optional<double> number_in(const fs::path& file) {
  std::istringstream in{text_of(file)};
  double n = 0;
  if (!(in >> n) || n < 0) return std::nullopt;
  return n;
}

// This process's group of a controller ("": v2), as /proc/self/cgroup has it.
std::optional<fs::path> group_of(const fs::path& root, std::string_view controller) {
  std::istringstream in{text_of(root / "proc/self/cgroup")};
  for (std::string line; std::getline(in, line);) {
    auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    auto names = "," + line.substr(first + 1, second - first - 1) + ",";
    bool match = controller.empty() ? names == ",,"
                                    : names.find("," + std::string{controller} + ",") !=
                                          std::string::npos;
    if (match) return fs::path{line.substr(second + 1)}.relative_path();
  }
  return std::nullopt;
}

// The folders of a group and of those around it: a limit of any of them binds. Inside a container the
// group's own path may not be visible; the mount's root then is the container's group.
std::vector<fs::path> folders_of(const fs::path& mount, const fs::path& group) {
  std::vector<fs::path> out{mount};
  auto at = mount;
  for (const auto& part : group) {
    at /= part;
    std::error_code e;
    if (fs::is_directory(at, e)) out.push_back(at);
  }
  return out;
}

double quota_cpus(const fs::path& root) {
  double least = std::numeric_limits<double>::infinity();
  if (auto group = group_of(root, "cpu"))
    for (const char* mount : {"sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct"})
      for (const auto& folder : folders_of(root / mount, *group)) {
        auto quota = number_in(folder / "cpu.cfs_quota_us");
        auto period = number_in(folder / "cpu.cfs_period_us");
        if (quota && period && *period > 0) least = std::min(least, *quota / *period);
      }
  if (auto group = group_of(root, ""))
    for (const auto& folder : folders_of(root / "sys/fs/cgroup", *group)) {
      std::istringstream in{text_of(folder / "cpu.max")};
      double quota = 0, period = 0;
      if (in >> quota >> period && period > 0) least = std::min(least, quota / period);
    }
  return least;
}

double memory_limit(const fs::path& root) {
  double least = std::numeric_limits<double>::infinity();
  if (auto group = group_of(root, "memory"))
    for (const auto& folder : folders_of(root / "sys/fs/cgroup/memory", *group))
      if (auto n = number_in(folder / "memory.limit_in_bytes")) least = std::min(least, *n);
  if (auto group = group_of(root, ""))
    for (const auto& folder : folders_of(root / "sys/fs/cgroup", *group))
      if (auto n = number_in(folder / "memory.max")) least = std::min(least, *n);
  std::istringstream in{text_of(root / "proc/meminfo")};
  for (std::string name, unit; in >> name;) {
    double kib = 0;
    if (name == "MemTotal:" && in >> kib) least = std::min(least, kib * 1024);
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return least;
}

std::uint32_t count_gpus(const fs::path& root) {
  std::uint32_t found = 0;
  std::error_code e;
  for (const auto& entry : fs::directory_iterator{root / "dev", e}) {
    auto name = entry.path().filename().string();
    found += name.size() > 6 && name.starts_with("nvidia") &&
             std::all_of(name.begin() + 6, name.end(), [](char c) { return c >= '0' && c <= '9'; });
  }
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (!visible || found == 0) return found;
  std::string_view list{visible};
  auto listed = list.empty() ? 0 : 1 + std::count(list.begin(), list.end(), ',');
  return std::min(found, static_cast<std::uint32_t>(listed));
}

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/statm"};
  std::uint64_t total = 0, resident = 0;
  in >> total >> resident;
  static const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return resident * page;
}

}  // namespace

machine detect_machine(const fs::path& root) {
  machine out;
  cpu_set_t set;
  double cpus = sched_getaffinity(0, sizeof set, &set) == 0
                    ? CPU_COUNT(&set)
                    : std::max(1u, std::thread::hardware_concurrency());
  out.cpus = static_cast<std::uint32_t>(std::max(1.0, std::min(cpus, quota_cpus(root))));
  auto memory = memory_limit(root);
  if (memory < 1e18) out.memory = static_cast<std::uint64_t>(memory);
  out.gpus = count_gpus(root);
  return out;
}

void step_back(std::uint32_t nice) {
  if (nice == 0) return;
  // Neither needs a privilege; where a sandbox forbids it, work goes on without.
  (void)!::nice(static_cast<int>(nice));
  const sched_param plain{};
  if (::sched_getscheduler(0) == SCHED_OTHER) (void)::sched_setscheduler(0, SCHED_BATCH, &plain);
}

usage measure_usage(const fs::path& scratch) {
  usage out;
  out.memory = resident_bytes(getpid());
  for (auto pid : descendants_of(getpid())) out.memory += resident_bytes(pid);
  struct statvfs disk {};
  if (statvfs(scratch.c_str(), &disk) == 0)
    out.disk_free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  double load = 0;
  if (getloadavg(&load, 1) == 1) out.load = load;
  return out;
}

memory_judge::verdict memory_judge::judge(std::uint64_t used) {
  if (limit_ <= 0) return verdict::go_on;
  auto share = static_cast<double>(used) / limit_;
  if (share >= terminate_) return verdict::terminate;
  paused_ = share >= (paused_ ? pause_ * 0.9 : pause_);
  return paused_ ? verdict::pause : verdict::go_on;
}

}  // namespace troupe::worker
