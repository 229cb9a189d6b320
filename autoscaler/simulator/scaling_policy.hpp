// The rules that a simulation can put in charge of the pools: ours, as it ships, and the published
// ones of others, written from their descriptions. All see the same snapshots and give the same
// orders, so that a comparison compares decisions and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/history.hpp"
#include "autoscaler/settings.hpp"
#include "autoscaler/simulator/manager.hpp"
#include "libruntime/settings.hpp"
#include "libruntime/snapshot.hpp"

namespace troupe::simulator {

class scaling_policy {
 public:
  virtual ~scaling_policy() = default;

  virtual std::string_view name() const = 0;
  virtual duration interval() const = 0;  // between two decisions
  // Whether it decides in between when something calls for it, and how soon after the last time.
  virtual std::optional<duration> reaction_time() const { return {}; }
  virtual void task_ended(std::string_view function, duration run_time);

  // One order for each pool, in the order of `pools`.
  virtual std::vector<pool_order> decide(time_point now, const load_snapshot& load,
                                         const std::vector<autoscaler::pool_status>& pools) = 0;
  // If nothing happens after the last decision, which changed nothing: the earliest moment at which
  // it could decide otherwise. By default, the next one.
  virtual time_point steady_until() const { return {}; }
  // Workers that it keeps when there is nothing to do; a run is over when no more are left.
  virtual std::uint32_t floor(const pool_settings& pool) const { return pool.min; }
};

// What time it is when the run begins, for schedules.
struct wall_clock {
  std::int64_t unix_seconds = 1'704'067'200;  // 2024-01-01 00:00 UTC, a Monday
  autoscaler::time_zones zones;
};

// A signal from a Prometheus: nothing in a simulation can answer it, so it is left out.
bool is_foreign(const signal_settings& s);

// Troupe's own policy: autoscaler::decide(), with the settings of the file.
class shipped_policy : public scaling_policy {
 public:
  virtual const autoscaler::history& past() const = 0;
  virtual autoscaler::settings& settings() = 0;
};
std::unique_ptr<shipped_policy> make_shipped_policy(const cluster_settings& cluster,
                                                    const wall_clock& wall = {});

// Dask's Adaptive (distributed.deploy.adaptive and Scheduler.adaptive_target), each pool a cluster
// of its own that is given the tasks which it is the first to be able to run:
//   target = ceil(occupancy / target_duration), in threads, at most one a task; divided by the
//   threads of a worker once there is one, and until then at least 1 while tasks wait. Occupancy is
//   what all tasks that wait or run are expected to take: the mean of their function; where none
//   is known, or one ran more than twice as long as the mean, twice the longest time that any was
//   seen to run (Scheduler._get_prefix_duration), and 0.5 s where none was.
// Up at once. Down: only workers that are idle, or launches that have not arrived, and only those
// that were proposed `wait_count` times in a row.
struct dask_settings {
  duration target_duration = std::chrono::seconds{5};
  duration interval = std::chrono::seconds{1};
  std::uint32_t wait_count = 3;
};
std::unique_ptr<scaling_policy> make_dask_policy(const cluster_settings& cluster, dask_settings s);

// Kubernetes' HorizontalPodAutoscaler on an external metric, the tasks that wait or run:
//   desired = ceil(metric / target), kept as it is within the tolerance; every `sync`; downwards the
//   highest desired of the stabilisation window; upwards at most 4 or 100 % more in 15 s, whichever
//   is more (the default behaviour of autoscaling/v2).
// Kinder than the original: from and to zero without waiting, workers that leave finish their tasks,
// and idle ones are chosen first.
struct hpa_settings {
  double target = 1;  // tasks a worker
  double tolerance = 0.1;
  duration sync = std::chrono::seconds{15};
  duration stabilization = std::chrono::minutes{5};
  std::uint32_t up_workers = 4;
  std::uint32_t up_percent = 100;
  duration up_period = std::chrono::seconds{15};
};
std::unique_ptr<scaling_policy> make_hpa_policy(const cluster_settings& cluster, hpa_settings s);

// So many workers in every pool, from beginning to end; nothing: each pool's maximum, or 10.
std::unique_ptr<scaling_policy> make_fixed_policy(const cluster_settings& cluster,
                                                  std::optional<std::uint32_t> size);

// The work of one pool, for policies that know of one only: each group of tasks belongs to the
// first pool of the file that could run it.
struct pool_work {
  struct group {
    std::string_view function;
    std::uint64_t waiting = 0, running = 0;
    duration elapsed{};  // of the longest-running one
  };
  std::vector<group> groups;
  std::vector<const worker_load*> workers;  // ready ones
  std::uint64_t running = 0;                // tasks on all of its workers, leaving ones too

  std::uint64_t tasks() const;
};
std::vector<pool_work> share_out(const load_snapshot& load, const cluster_settings& cluster);

}  // namespace troupe::simulator
