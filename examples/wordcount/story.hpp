// The story of a cluster: asks it twenty times a second what there is, on a thread of its own, and
// tells afterwards when workers came and went and why, how the queue grew and shrank, and what it
// cost. A question that fails is left out of the story: the cluster may be going down.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "troupe/client.hpp"

namespace wordcount {

// What was seen at one moment.
struct moment {
  double at = 0;              // seconds since the start
  std::uint64_t queued = 0;   // tasks that could run and don't
  std::uint64_t running = 0;
  std::uint64_t workers = 0;
};

// One worker's life, in seconds since the start.
struct worker_life {
  std::string name;
  std::uint32_t pid = 0;
  double from = 0, to = 0;
  bool over = false;
};

// What the autoscaler decided to change.
struct decision {
  double at = 0;
  std::string text;  // "here 0 -> 4: …"
};

class story {
 public:
  explicit story(troupe::client client);
  ~story();

  moment latest() const;
  std::vector<worker_life> workers() const;
  // Waits until no worker is left; false if the time passed first.
  bool wait_until_empty(std::chrono::seconds patience);
  // Ends the recording. Everyone still there is taken to have left now.
  void end();
  // After end().
  void tell(std::ostream& out) const;

 private:
  void record();
  void ask();
  void read_decisions();
  void note_workers(double now, const std::vector<std::pair<std::string, std::uint32_t>>& seen);
  double now() const;

  troupe::client client_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  const std::chrono::system_clock::time_point started_wall_ = std::chrono::system_clock::now();

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool ending_ = false;
  std::vector<moment> moments_;
  std::vector<worker_life> workers_;
  std::map<std::uint64_t, decision> decisions_;  // by number

  std::thread thread_;
};

}  // namespace wordcount
