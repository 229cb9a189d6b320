// A cluster for a scenario: the head is a process of its own (this program, `up`), its workers are
// that process's children, the state is in a temporary folder. Ends with the object.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

#include "troupe/client.hpp"

namespace troupe::bench {

struct cluster_shape {
  std::uint32_t min = 1, max = 1;  // workers
  std::uint32_t slots = 1;         // of each
};

class cluster_process {
 public:
  // Returns when the least number of workers is registered; throws std::runtime_error after 20 s.
  explicit cluster_process(const cluster_shape& shape);
  ~cluster_process();
  cluster_process(const cluster_process&) = delete;
  cluster_process& operator=(const cluster_process&) = delete;

  client connect() const;
  pid_t head() const { return pid_; }

 private:
  void start();
  void stop();
  void wait_for_workers(std::uint32_t n) const;

  std::filesystem::path folder_;
  pid_t pid_ = -1;
  std::string address_;
};

}  // namespace troupe::bench
