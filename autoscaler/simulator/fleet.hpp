// The pretend workers: each starts what it is given, in that order as far as its resources go, and
// reports ends. Messages between them and the scheduler take no time: what matters at the scale of
// boots and idle timeouts is what runs where.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <vector>

#include "autoscaler/simulator/workload.hpp"
#include "libruntime/scheduler/events.hpp"

namespace troupe::simulator {

class fleet {
 public:
  explicit fleet(workload& work) : work_(work) {}

  void join(worker_id id, std::size_t pool, const resource_set& resources);
  // It is gone, with what it ran.
  void kill(worker_id id);
  bool has(worker_id id) const { return workers_.count(id) > 0; }

  // From the scheduler; answers go to `out`. Messages to workers that are gone are lost.
  void take(const scheduler::to_worker& message, time_point now,
            std::vector<scheduler::event>& out);
  void set_draining(worker_id id, bool on);

  // When end_next() is due; it may turn out that nothing ends.
  std::optional<time_point> next_end() const;
  // Of a task that ended, for policies that measure for themselves.
  struct ended_task {
    std::string_view function;
    duration run_time{};
  };
  // Ends the task that is due, and starts what can start then. Nothing: what was due is no more,
  // because its worker died or it was cancelled.
  std::optional<ended_task> end_next(time_point now, std::vector<scheduler::event>& out);

  // Workers of a pool that run something and don't drain.
  std::uint32_t busy(std::size_t pool) const { return pool < busy_.size() ? busy_[pool] : 0; }
  std::uint32_t busy_workers() const { return busy_workers_; }  // of all pools, draining ones too
  double busy_cpus() const { return static_cast<double>(busy_amount_) / one_unit; }

 private:
  struct assigned {
    task_id task;
    attempt_number attempt = 0;
    bool exclusive = false;
  };
  struct worker {
    std::size_t pool = 0;
    resource_set free;
    std::deque<assigned> queue;
    std::map<task_id, assigned> running;
    std::uint64_t reports = 0;
    bool draining = false;
    bool alone = false;  // it runs an exclusive task
  };
  struct end {
    time_point when;
    std::uint64_t order;
    worker_id worker;
    task_id task;
    attempt_number attempt;
    bool operator<(const end& o) const {  // the earliest on top
      return when != o.when ? when > o.when : order > o.order;
    }
  };

  void start(worker_id id, worker& w, time_point now);
  bool can_start(const worker& w, const assigned& a) const;
  void stop(worker& w, const assigned& a);  // it no longer runs
  void recall(worker_id id, worker& w, const protocol::recall& m,
              std::vector<scheduler::event>& out);
  void cancel(worker_id id, worker& w, const protocol::cancel_attempts& m, time_point now,
              std::vector<scheduler::event>& out);
  void report(worker_id id, worker& w, const assigned& a, protocol::outcome how,
              std::vector<scheduler::event>& out) const;
  void drop_stale_ends();
  void tally(const worker& w, int sign);

  workload& work_;
  std::map<worker_id, worker> workers_;
  std::priority_queue<end> ends_;
  std::uint64_t next_order_ = 0;
  amount busy_amount_ = 0;
  std::vector<std::uint32_t> busy_;  // by pool
  std::uint32_t busy_workers_ = 0;
};

}  // namespace troupe::simulator
