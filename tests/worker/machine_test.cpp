#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "tests/worker/executor_world.hpp"
#include "worker/machine.hpp"

using namespace troupe;
using namespace troupe::worker;

namespace {

// A machine on paper: files under a folder.
struct paper_machine {
  temporary_folder folder;
  void file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((folder.path / path).parent_path());
    std::ofstream{folder.path / path} << text;
  }
  machine detect() { return detect_machine(folder.path); }
};

}  // namespace

TEST_CASE("without control groups the machine is what it says it is") {
  paper_machine m;
  m.file("proc/meminfo", "MemTotal:       16000 kB\nMemFree: 1 kB\n");
  CHECK(m.detect().cpus >= 1);
  CHECK(m.detect().memory == 16000 * 1024);
  CHECK(m.detect().gpus == 0);
}

TEST_CASE("limits of cgroup v2 count, those of the groups around ours too") {
  paper_machine m;
  m.file("proc/meminfo", "MemTotal: 16000000 kB\n");
  m.file("proc/self/cgroup", "0::/a/b\n");
  m.file("sys/fs/cgroup/a/memory.max", "1000000\n");
  m.file("sys/fs/cgroup/a/b/memory.max", "max\n");
  m.file("sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
  CHECK(m.detect().memory == 1'000'000);
  CHECK(m.detect().cpus == 1);
}

TEST_CASE("limits of cgroup v1 count, also where a container hides the group's path") {
  paper_machine m;
  m.file("proc/meminfo", "MemTotal: 16000000 kB\n");
  m.file("proc/self/cgroup", "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n");
  m.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000\n");
  m.file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n");
  m.file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  CHECK(m.detect().memory == 2'000'000);
  CHECK(m.detect().cpus == 1);
}

TEST_CASE("GPUs are counted by their devices") {
  paper_machine m;
  for (const char* name : {"nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"})
    m.file(std::string{"dev/"} + name, "");
  CHECK(m.detect().gpus == 2);
}

TEST_CASE("memory used counts what tasks use") {
  auto u = measure_usage("/");
  CHECK(u.memory > 1'000'000);
  CHECK(u.disk_free > 0);
}

TEST_CASE("a worker pauses at its memory mark, goes on well below it, and ends at the last one") {
  using enum memory_judge::verdict;
  memory_judge judge{1000, 0.8, 0.95};
  CHECK(judge.judge(799) == go_on);
  CHECK(judge.judge(800) == pause);
  CHECK(judge.judge(730) == pause);
  CHECK(judge.judge(719) == go_on);
  CHECK(judge.judge(760) == go_on);
  CHECK(judge.judge(950) == terminate);
  memory_judge unlimited{0, 0.8, 0.95};
  CHECK(unlimited.judge(1'000'000'000) == go_on);
}

TEST_CASE("who steps back has a higher niceness and interrupts nobody; who doesn't stays as it was") {
  std::thread{[] {
    auto niceness = [] { return ::getpriority(PRIO_PROCESS, 0); };  // of this thread
    auto before = niceness();
    auto policy = ::sched_getscheduler(0);
    step_back(0);
    CHECK(niceness() == before);
    CHECK(::sched_getscheduler(0) == policy);
    step_back(2);
    CHECK(niceness() == std::min(before + 2, 19));
    CHECK(::sched_getscheduler(0) == (policy == SCHED_OTHER ? SCHED_BATCH : policy));
  }}.join();
}
