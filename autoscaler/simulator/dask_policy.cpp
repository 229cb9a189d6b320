#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "autoscaler/simulator/scaling_policy.hpp"

namespace troupe::simulator {

namespace {

constexpr double unknown_duration = 0.5;  // seconds

// What Dask knows of the tasks of one function ("task prefix").
struct measured_function {
  double mean = -1;     // seconds; below 0: not known
  double longest = -1;  // seconds so far of any task that runs

  void ended(double seconds) { mean = mean < 0 ? seconds : (mean + seconds) / 2; }
  void runs(double seconds) {
    longest = std::max(longest, seconds);
    if (mean >= 0 && seconds > 2 * mean) mean = -1;
  }
  // Of one task, whether it waits or runs.
  double expected() const {
    if (mean >= 0) return mean;
    return longest > 0 ? 2 * longest : unknown_duration;
  }
};

class dask_policy final : public scaling_policy {
 public:
  dask_policy(const cluster_settings& cluster, dask_settings s)
      : cluster_(cluster), settings_(s), pools_(cluster.pools.size()) {}

  std::string_view name() const override { return "dask"; }
  duration interval() const override { return settings_.interval; }
  void task_ended(std::string_view function, duration run_time) override {
    functions_["[" + std::string{function} + "]"].ended(to_seconds(run_time));
  }

  std::vector<pool_order> decide(time_point now, const load_snapshot& load,
                                 const std::vector<autoscaler::pool_status>& pools) override {
    std::vector<pool_order> out;
    const auto work = share_out(load, cluster_);
    quiet_ = load.demand.empty() && load.running.empty();
    for (std::size_t i = 0; i < work.size(); ++i) {
      const auto& p = cluster_.pools[i];
      auto target = wanted(work[i], std::max(1u, p.worker.slots));
      const auto idle = idle_workers(work[i]);
      const auto there = static_cast<std::uint32_t>(work[i].workers.size());
      if (target < there)  // only idle ones would go
        target = there - std::min(there - target, static_cast<std::uint32_t>(idle.size()));
      target = std::clamp(target, p.min, std::max(p.min, p.max.value_or(UINT32_MAX)));
      out.push_back(recommend(i, target, pools[i], idle));
      out.back().max = p.max;
    }
    steady_until_ = quiet_ ? now + std::chrono::minutes{1} : time_point{};
    return out;
  }
  time_point steady_until() const override { return steady_until_; }

 private:
  struct pool_counts {
    std::map<worker_id, std::uint32_t> proposed;       // how often in a row to be closed
    std::vector<std::uint32_t> proposed_launches;      // likewise, of launches not arrived
  };

  std::uint32_t wanted(const pool_work& work, std::uint32_t slots) {
    double occupancy = 0;
    std::uint64_t waiting = 0;
    for (const auto& g : work.groups) {
      auto& f = functions_[std::string{g.function}];
      if (g.running > 0) f.runs(to_seconds(g.elapsed));
      occupancy += static_cast<double>(g.waiting + g.running) * f.expected();
      waiting += g.waiting;
    }
    auto threads = std::ceil(occupancy / to_seconds(settings_.target_duration));
    threads = std::min(threads, static_cast<double>(work.tasks()));
    // Dask learns from its workers how many threads one has: without any, a thread is a worker.
    auto workers = work.workers.empty() ? threads : std::ceil(threads / slots);
    if (waiting > 0 && work.workers.empty()) workers = std::max(workers, 1.0);
    return static_cast<std::uint32_t>(std::min(workers, 4e9));
  }

  static std::vector<worker_id> idle_workers(const pool_work& work) {
    std::vector<const worker_load*> idle;
    for (const auto* w : work.workers)
      if (w->window == 0) idle.push_back(w);
    std::sort(idle.begin(), idle.end(), [](auto* a, auto* b) {
      return std::tie(a->memory_used, a->id) < std::tie(b->memory_used, b->id);
    });
    std::vector<worker_id> out;
    for (const auto* w : idle) out.push_back(w->id);
    return out;
  }

  pool_order recommend(std::size_t pool, std::uint32_t target,
                       const autoscaler::pool_status& status, const std::vector<worker_id>& idle) {
    auto& counts = pools_[pool];
    const auto plan = status.launching() + status.registered;
    pool_order order;
    order.patient = true;
    order.target = std::max(plan, target);
    if (target >= plan) {
      counts = {};
      return order;
    }
    quiet_ = false;  // the counts go on
    auto surplus = plan - target;
    const auto launches = std::min(surplus, status.launching());
    surplus -= launches;
    counts.proposed_launches.resize(launches);
    for (auto& n : counts.proposed_launches)
      if (++n >= settings_.wait_count) --order.target;
    std::erase_if(counts.proposed_launches, [&](auto n) { return n >= settings_.wait_count; });
    std::map<worker_id, std::uint32_t> proposed;
    for (std::size_t i = 0; i < idle.size() && i < surplus; ++i) {
      const auto n = counts.proposed[idle[i]] + 1;
      if (n < settings_.wait_count) {
        proposed[idle[i]] = n;
        continue;
      }
      order.drain.push_back(idle[i]);
      --order.target;
    }
    counts.proposed = std::move(proposed);
    return order;
  }

  const cluster_settings cluster_;
  const dask_settings settings_;
  std::map<std::string, measured_function> functions_;  // by function_key
  std::vector<pool_counts> pools_;
  bool quiet_ = false;
  time_point steady_until_{};
};

}  // namespace

std::unique_ptr<scaling_policy> make_dask_policy(const cluster_settings& cluster,
                                                 dask_settings s) {
  return std::make_unique<dask_policy>(cluster, s);
}

}  // namespace troupe::simulator
