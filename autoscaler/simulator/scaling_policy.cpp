#include "autoscaler/simulator/scaling_policy.hpp"

#include <algorithm>

namespace troupe::simulator {

void scaling_policy::task_ended(std::string_view, duration) {}

std::uint64_t pool_work::tasks() const {
  std::uint64_t n = 0;
  for (const auto& g : groups) n += g.waiting + g.running;
  return n;
}

namespace {

pool_work::group& group_of(pool_work& w, std::string_view function) {
  for (auto& g : w.groups)
    if (g.function == function) return g;
  return w.groups.emplace_back(pool_work::group{function, 0, 0, {}});
}

std::optional<std::size_t> first_of(const std::vector<std::string>& names,
                                    const cluster_settings& cluster) {
  for (std::size_t i = 0; i < cluster.pools.size(); ++i)
    if (std::find(names.begin(), names.end(), cluster.pools[i].name) != names.end()) return i;
  return {};
}

}  // namespace

std::vector<pool_work> share_out(const load_snapshot& load, const cluster_settings& cluster) {
  std::vector<pool_work> out(cluster.pools.size());
  for (const auto& d : load.demand)
    if (auto i = first_of(d.pools, cluster))
      group_of(out[*i], d.function).waiting += d.ready + d.assigned;
  for (const auto& w : load.workers) {
    const auto i = first_of({w.pool}, cluster);
    if (!i) continue;
    out[*i].running += w.running;
    if (w.state == worker_state::ready) out[*i].workers.push_back(&w);
  }
  // Which worker runs which function the snapshot doesn't say; with one pool it is the same.
  for (const auto& r : load.running) {
    std::uint64_t placed = 0;
    for (auto& work : out) {
      auto here = work.running;
      for (const auto& g : work.groups) here -= std::min(here, g.running);
      here = std::min(here, r.count - placed);
      if (here == 0) continue;
      auto& g = group_of(work, r.function);
      g.running += here;
      g.elapsed = std::max(g.elapsed, r.elapsed);
      placed += here;
    }
  }
  return out;
}

// ---- a fixed size -----------------------------------------------------------------------------

namespace {

class fixed_policy final : public scaling_policy {
 public:
  fixed_policy(const cluster_settings& cluster, std::optional<std::uint32_t> size)
      : cluster_(cluster), size_(size) {}

  std::string_view name() const override { return "fixed"; }
  duration interval() const override { return std::chrono::seconds{1}; }
  std::uint32_t floor(const pool_settings& pool) const override {
    const auto most = pool.max.value_or(UINT32_MAX);
    return std::min(size_.value_or(pool.max.value_or(10)), most);
  }
  std::vector<pool_order> decide(time_point, const load_snapshot&,
                                 const std::vector<autoscaler::pool_status>&) override {
    std::vector<pool_order> out;
    for (const auto& p : cluster_.pools) out.push_back({floor(p), p.max, {}, {}, {}, true});
    return out;
  }
  time_point steady_until() const override { return time_point::max(); }

 private:
  const cluster_settings cluster_;
  const std::optional<std::uint32_t> size_;
};

}  // namespace

std::unique_ptr<scaling_policy> make_fixed_policy(const cluster_settings& cluster,
                                                  std::optional<std::uint32_t> size) {
  return std::make_unique<fixed_policy>(cluster, size);
}

}  // namespace troupe::simulator
