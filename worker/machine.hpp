// What this machine lets the worker use, and how much of it is used: affinity and control groups
// count, not only the hardware.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "libruntime/time.hpp"

namespace troupe::worker {

struct machine {
  std::uint32_t cpus = 1;    // at least 1; a quota is rounded down
  std::uint64_t memory = 0;  // bytes: the machine's, or the control group's limit; 0: unknown
  std::uint32_t gpus = 0;    // NVIDIA's; CUDA_VISIBLE_DEVICES restricts them
};
// `root`: where /proc, /sys and /dev are looked for; another folder in tests.
machine detect_machine(const std::filesystem::path& root = "/");

struct usage {
  std::uint64_t memory = 0;     // resident bytes of this process and everything below it
  std::uint64_t disk_free = 0;  // bytes, for us, where `scratch` is
  double load = 0;              // of the machine, one minute
};
usage measure_usage(const std::filesystem::path& scratch);

// Has this thread, and all that it starts from now on, step back for other programs of the machine: by `nice`
// as nice(1) counts it, and by not interrupting whoever runs when it is woken. 0: not at all.
void step_back(std::uint32_t nice);

// Whether a worker may take more work, by the memory it uses: it stops at `pause` of its limit, goes
// on below nine tenths of that, and must be restarted at `terminate`.
class memory_judge {
 public:
  enum class verdict : std::uint8_t { go_on, pause, terminate };

  // limit 0: always go_on.
  memory_judge(std::uint64_t limit, double pause, double terminate)
      : limit_(static_cast<double>(limit)), pause_(pause), terminate_(terminate) {}

  verdict judge(std::uint64_t used);

 private:
  double limit_, pause_, terminate_;
  bool paused_ = false;
};

}  // namespace troupe::worker
