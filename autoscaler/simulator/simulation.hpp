// A whole cluster on a virtual clock: the scheduler core and a scaling policy as they ship, between
// pretend clients, workers, cluster managers and providers. Pure: no clock, no random device, no
// I/O; the same settings, load and policy give the same run.
//
// Event by event: the clock jumps to whatever happens next. Decisions are made at their intervals,
// except where the policy says that they can't differ while nothing happens; those are left out
// without changing the run, because the last one before something happens is made after all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autoscaler/simulator/calendar.hpp"
#include "autoscaler/simulator/fleet.hpp"
#include "autoscaler/simulator/manager.hpp"
#include "autoscaler/simulator/meter.hpp"
#include "autoscaler/simulator/provider.hpp"
#include "autoscaler/simulator/scaling_policy.hpp"
#include "autoscaler/simulator/workload.hpp"
#include "libruntime/scheduler/core.hpp"
#include "libruntime/settings.hpp"

namespace troupe::simulator {

struct simulation_settings {
  cluster_settings cluster;  // slots 0 count as 1: the caller knows the machines
  std::vector<conditions> worlds;  // by pool; fewer than pools: the defaults
  std::uint64_t seed = 1;
  duration sample_interval = std::chrono::seconds{1};  // to begin with; see meter.hpp
  std::size_t most_samples = 1200;
  // After the last task the meter runs on until the pools are back at their minimum, but no longer
  // than this: what is paid for is counted, and nobody waits for ever.
  duration cool_down = std::chrono::hours{1};
  // A run ends when for this long, and twice the longest task, nothing was submitted, started for
  // the first time or ended though tasks are left: they never will end. And after a hundred years.
  duration stuck_after = std::chrono::hours{6};
  bool skip_quiet = true;  // leave out decisions that can't differ; false: only to check that
};

struct outcome {
  std::string policy;
  task_counts tasks;
  duration makespan{};  // from the beginning to the end of the last task
  duration length{};    // … to the end of the bill
  double wait_p50 = 0, wait_p95 = 0, wait_p99 = 0, wait_mean = 0, wait_max = 0;  // seconds
  double worker_hours = 0;
  double cost = 0;
  double utilisation = 0;          // useful cpu time of what was paid for
  std::uint64_t launches = 0;      // churn: instances asked for …
  std::uint64_t ends = 0;          // … and confirmed gone
  std::uint64_t reversals = 0;     // growth after shrinking and shrinking after growth
  std::uint32_t peak_workers = 0;  // with those that start
  std::uint32_t peak_busy = 0;
  std::uint64_t crashes = 0, preemptions = 0, failed_starts = 0, called_off = 0;
  std::uint64_t decisions = 0;  // made, without those left out
  bool stuck = false;
  std::string why_refused;  // the first job that was; "" where none was
  std::vector<sample> time_line;

  // Workers at the peak that never were at work all together.
  std::uint32_t overshoot() const { return peak_workers - std::min(peak_workers, peak_busy); }
};

class simulation {
 public:
  simulation(simulation_settings settings, std::unique_ptr<load> what,
             std::unique_ptr<scaling_policy> policy);
  ~simulation();

  outcome run();

  // ---- for tests: looked at after every event and at every decision
  struct decided {
    time_point now;
    const load_snapshot& load;
    const std::vector<autoscaler::pool_status>& pools;
    const std::vector<pool_order>& orders;
  };
  std::function<void(const decided&)> on_decision;
  std::function<void(const simulation&)> on_step;
  std::function<bool(const simulation&)> stop_when;
  time_point now() const { return time_.now(); }
  const manager& manager_of(std::size_t pool) const { return *pools_[pool]->manager; }
  provider& provider_of(std::size_t pool) { return *pools_[pool]->provider; }
  const provider& provider_of(std::size_t pool) const { return *pools_[pool]->provider; }
  calendar& agenda() { return time_; }
  const scheduler::core& core() const { return core_; }
  const task_counts& tasks() const { return work_.counts(); }
  const wait_record& waits() const { return work_.waits(); }
  scaling_policy& policy() { return *policy_; }

  static constexpr time_point start{std::chrono::seconds{1'000'000}};

 private:
  struct pool {
    std::unique_ptr<simulator::provider> provider;
    std::unique_ptr<simulator::manager> manager;
    resource_set resources;  // of one worker
    std::map<launch_number, worker_id> workers;
    std::uint32_t last_size = 0;
    int last_direction = 0;
  };

  void make_pool(std::size_t index);
  void announce_pools();
  void booted(std::size_t index, launch_number n);
  void died(std::size_t index, launch_number n);

  void feed(scheduler::event e);
  void pump();  // until nobody has anything to say any more
  void perform(scheduler::action& a);
  std::size_t pool_of(worker_id w) const;

  std::optional<time_point> next_event() const;
  void happen();  // everything that is due now
  void make_up_for_skipped(time_point event);
  void decide();
  void plan_next_decision(bool steady);
  void hurry();
  void watch_direction(pool& p, std::uint32_t target, std::uint32_t size);
  gauges look() const;
  bool finished() const;
  bool is_stuck() const;
  outcome sum_up();

  simulation_settings settings_;
  calendar time_{start};
  workload work_;
  fleet fleet_{work_};
  scheduler::core core_;
  std::unique_ptr<scaling_policy> policy_;
  meter meter_;
  std::vector<std::unique_ptr<pool>> pools_;
  std::map<worker_id, std::size_t> pool_of_;
  std::uint32_t last_worker_ = 0;

  std::vector<scheduler::event> inbox_;
  bool pumping_ = false;
  std::optional<time_point> wake_;

  time_point last_decision_{}, next_decision_{start};
  std::uint64_t decisions_ = 0, reversals_ = 0;
  bool stuck_ = false;
};

}  // namespace troupe::simulator
