// A fast simulated cluster around a core, for many workers and tasks: messages arrive after a
// latency, tasks take a given time, workers may crash at random. Only the core's own time is
// measured.
#pragma once

#include <chrono>
#include <deque>
#include <queue>
#include <random>
#include <vector>

#include "libruntime/scheduler/core.hpp"

namespace troupe::bench {

using scheduler::actions;
using scheduler::core_stats;
using scheduler::event;

struct simulation_settings {
  std::uint32_t workers = 1000;
  std::uint32_t slots = 1;
  std::uint32_t tasks = 1'000'000;
  std::uint32_t submit_batch = 10'000;
  duration run_time = std::chrono::milliseconds{10};
  duration latency = std::chrono::microseconds{100};
  std::uint32_t crash_every = 0;      // finish reports between two crashes; 0: none
  std::uint32_t check_every = 0;      // events between two checks of the invariants; 0: at the end
  std::uint64_t seed = 1;
};

struct simulation_outcome {
  std::uint64_t finished = 0, failed = 0, results = 0, crashes = 0, events = 0, checks = 0;
  std::uint64_t run_twice = 0;   // tasks that a live worker finished more than once
  duration core_time{};          // spent in handle()
  duration submit_time{};        // of that, for submitting
  duration makespan{};           // simulated
  core_stats stats;
  double ns_per_task(std::uint32_t tasks) const {
    return static_cast<double>(core_time.count()) / tasks;
  }
};

class simulated_cluster {
 public:
  explicit simulated_cluster(simulation_settings s);
  simulation_outcome run();

 private:
  struct pending {
    task_id task;
    attempt_number attempt;
  };
  struct node {
    std::deque<pending> queue;
    std::uint64_t number = 1;
    std::uint32_t running = 0;
    std::uint32_t id = 0;  // current worker id of this machine
  };
  enum class what : std::uint8_t { assign, recall, run_end, report };
  struct happening {
    time_point when;
    std::uint64_t order;
    what kind;
    std::uint32_t worker;  // id
    std::vector<pending> items;
    bool operator<(const happening& o) const {
      return when != o.when ? when > o.when : order > o.order;
    }
  };

  void feed(event e);
  void apply(actions& out);
  void schedule(duration after, what kind, std::uint32_t worker, std::vector<pending> items);
  void occur(happening& h);
  void start(node& n);
  void report(node& n);
  void join(std::uint32_t machine);
  void crash();
  void submit();
  node* alive(std::uint32_t worker);

  simulation_settings settings_;
  simulation_outcome outcome_;
  std::mt19937_64 random_;
  scheduler::core core_;
  time_point now_{std::chrono::seconds{1000}};
  std::vector<node> machines_;
  std::vector<std::uint32_t> machine_of_;  // by worker id; UINT32_MAX: dead
  std::vector<std::vector<pending>> done_;  // by machine: ended, not reported yet
  std::vector<bool> reporting_;
  std::priority_queue<happening> happenings_;
  std::uint64_t next_order_ = 0, reports_ = 0, credit_ = 0;
  std::uint32_t submitted_ = 0;
  bool over_ = false;
  std::optional<time_point> wake_;
  std::vector<std::uint8_t> finishes_;  // by task
};

}  // namespace troupe::bench
