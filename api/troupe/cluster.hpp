// Clusters that live as long as an object: started by its constructor, drained and stopped by its
// destructor, nothing left behind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "troupe/client.hpp"
#include "libruntime/function_registry.hpp"
#include "libruntime/settings.hpp"

namespace troupe {

struct local_cluster_options {
  std::string name = "local";
  std::uint32_t min_workers = 0;
  std::uint32_t max_workers = 0;  // 0: one for each core
  std::uint32_t slots = 1;        // of each worker
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds{30};
  // What runs the functions: with `threads`, workers inside this process; with `processes`, this
  // program executed again, whose main calls worker_main first. Default: processes if it does.
  enum class workers_as { automatic, threads, processes } workers = workers_as::automatic;
  const function_registry* functions = nullptr;  // for `threads`; must outlive the cluster
};

class cluster {
 public:
  // Throws troupe::error: every problem of the file at once, with line and column.
  static cluster from_yaml(const std::filesystem::path& file,
                           const function_registry* functions = nullptr);
  static cluster from_settings(cluster_settings settings,
                               const function_registry* functions = nullptr);

  cluster(cluster&&) noexcept;
  cluster& operator=(cluster&&) noexcept;
  ~cluster();  // stop()

  // A client of its own for every caller. In this process: no sockets between it and the scheduler.
  troupe::client client() const;
  // Where links, and people, reach it; empty where it doesn't listen.
  std::string address() const;
  std::string http_address() const;
  // Takes nothing new, lets running tasks finish for at most `drain`, ends every worker, and returns
  // when the last one is gone.
  void stop(std::chrono::nanoseconds drain = std::chrono::seconds{0});

 protected:
  struct impl;
  explicit cluster(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

// An adaptive cluster on this machine.
class local_cluster : public cluster {
 public:
  explicit local_cluster(const local_cluster_options& options = {});
};

// First thing in main of a program whose functions run in worker processes: when the program was
// started as a worker it becomes one and the exit code is returned; otherwise returns nothing.
std::optional<int> worker_main(int argc, char** argv, const function_registry& functions);

}  // namespace troupe
