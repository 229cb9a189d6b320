// A cluster for a scenario: the head is a process of its own (this program, `up`), its workers are
// that process's children, the state is in a temporary folder. Ends with the object.
#pragma once

#include <string>

#include "bench/child_process.hpp"
#include "troupe/client.hpp"

namespace troupe::bench {

struct cluster_shape {
  std::uint32_t min = 1, max = 1;  // workers
  std::uint32_t slots = 1;         // of each
};

struct options;
// So many workers from the start, or as many as the options say.
cluster_shape fixed_cluster(const options& o, std::uint32_t workers, std::uint32_t slots);

class cluster_process {
 public:
  // Returns when the least number of workers is registered; throws std::runtime_error after 20 s.
  explicit cluster_process(const cluster_shape& shape);

  client connect() const;
  pid_t head() const { return process_.pid(); }
  const std::string& http() const { return http_; }  // "127.0.0.1:8080"
  // Runs a command of the program against this cluster, to its end; its exit code, or -1.
  int command(std::vector<std::string> arguments) const;

 private:
  void wait_for_workers(std::uint32_t n) const;

  temporary_folder folder_;
  child_process process_;  // ends before its folder goes
  std::string address_, http_;
};

}  // namespace troupe::bench
