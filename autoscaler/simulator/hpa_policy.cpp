#include <algorithm>
#include <cmath>
#include <tuple>

#include "autoscaler/simulator/scaling_policy.hpp"

namespace troupe::simulator {

namespace {

class hpa_policy final : public scaling_policy {
 public:
  hpa_policy(const cluster_settings& cluster, hpa_settings s) : cluster_(cluster), settings_(s) {
    for (std::size_t i = 0; i < cluster.pools.size(); ++i) pools_.emplace_back();
  }

  std::string_view name() const override { return "hpa"; }
  duration interval() const override { return settings_.sync; }

  std::vector<pool_order> decide(time_point now, const load_snapshot& load,
                                 const std::vector<autoscaler::pool_status>& pools) override {
    std::vector<pool_order> out;
    const auto work = share_out(load, cluster_);
    steady_ = true;
    for (std::size_t i = 0; i < work.size(); ++i) {
      const auto& p = cluster_.pools[i];
      const auto replicas = pools[i].launching() + pools[i].registered;
      const auto least = p.min, most = std::max(p.min, p.max.value_or(UINT32_MAX));
      const auto wanted = desired(work[i].tasks(), replicas);
      auto size = stabilized(now, pools_[i], wanted, replicas);
      size = std::min(size, growth_limit(now, pools_[i], replicas));
      size = std::clamp(size, least, most);
      steady_ = steady_ && size == replicas && std::clamp(wanted, least, most) == replicas;
      if (size > replicas) pools_[i].added.add(now, size - replicas);
      out.push_back({size, p.max, {}, {}, {}, true});
      const auto surplus = replicas > size ? replicas - size : 0;
      const auto launching = pools[i].launching();
      if (surplus > launching) out.back().drain = leaving(work[i], surplus - launching);
    }
    return out;
  }
  // With the size that it wants, nothing that is left of windows and periods matters.
  time_point steady_until() const override {
    return steady_ ? time_point::max() : time_point{};
  }

 private:
  struct pool_memory {
    autoscaler::recommendation_window recommended;
    autoscaler::change_log added;
  };

  std::uint32_t desired(std::uint64_t metric, std::uint32_t replicas) const {
    const auto tasks = static_cast<double>(metric);
    if (replicas > 0 && std::abs(tasks / (settings_.target * replicas) - 1) <= settings_.tolerance)
      return replicas;
    return static_cast<std::uint32_t>(std::min(std::ceil(tasks / settings_.target), 4e9));
  }

  std::uint32_t stabilized(time_point now, pool_memory& m, std::uint32_t desired,
                           std::uint32_t replicas) const {
    m.recommended.add(now, desired, duration{}, settings_.stabilization);
    if (desired >= replicas) return desired;
    return std::min(m.recommended.highest(), replicas);
  }

  std::uint32_t growth_limit(time_point now, pool_memory& m, std::uint32_t replicas) const {
    m.added.prune(now, settings_.up_period);
    const auto added = m.added.within(now, settings_.up_period);
    const auto before = replicas - std::min(replicas, added);
    const auto percent = static_cast<std::uint32_t>(
        std::ceil(before * (1 + settings_.up_percent / 100.0)));
    return std::max(before + settings_.up_workers, percent);
  }

  // Idle ones first, then those that are nearest to the end of what they do.
  static std::vector<worker_id> leaving(const pool_work& work, std::uint32_t n) {
    auto order = work.workers;
    std::sort(order.begin(), order.end(), [](auto* a, auto* b) {
      return std::tuple(a->window > 0, a->remaining, a->id) <
             std::tuple(b->window > 0, b->remaining, b->id);
    });
    std::vector<worker_id> out;
    for (std::size_t i = 0; i < order.size() && i < n; ++i) out.push_back(order[i]->id);
    return out;
  }

  const cluster_settings cluster_;
  const hpa_settings settings_;
  std::vector<pool_memory> pools_;
  bool steady_ = false;
};

}  // namespace

std::unique_ptr<scaling_policy> make_hpa_policy(const cluster_settings& cluster, hpa_settings s) {
  return std::make_unique<hpa_policy>(cluster, s);
}

}  // namespace troupe::simulator
