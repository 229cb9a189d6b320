// Our own policy in a simulation, and when it need not be asked again: its decisions depend on time
// only through idle timeouts, windows, rate periods, backoffs and schedules, as long as no task
// waits and neither signals nor a budget for the whole run are set.
#include <algorithm>
#include <set>
#include <utility>

#include "autoscaler/policy.hpp"
#include "autoscaler/simulator/scaling_policy.hpp"

namespace troupe::simulator {

namespace {

// It is asked this often even in the quietest night.
constexpr auto longest_pause = std::chrono::minutes{1};
constexpr std::int64_t minute = 60;

class policy_as_shipped final : public shipped_policy {
 public:
  policy_as_shipped(const cluster_settings& cluster, const wall_clock& wall)
      : interval_(cluster.autoscaler.interval),
        reaction_(cluster.autoscaler.reaction_time),
        settings_(autoscaler::settings_of(cluster.autoscaler)),
        begins_(wall.unix_seconds) {
    std::erase_if(settings_.signals, is_foreign);
    for (const auto& p : cluster.pools)
      settings_.pools.push_back(autoscaler::policy_of(p, 1, wall.zones));
    wanted_.resize(cluster.pools.size());
    targets_.resize(cluster.pools.size());
    for (const auto& p : settings_.pools)
      for (const auto& entry : p.schedule) {
        has_schedule_ = true;
        // Entries begin on the minute, and most end on it.
        always_moving_ = always_moving_ || (entry.lasts && *entry.lasts % std::chrono::minutes{1} != duration{});
      }
  }

  std::string_view name() const override { return "ours"; }
  duration interval() const override { return interval_; }
  std::optional<duration> reaction_time() const override { return reaction_; }
  const autoscaler::history& past() const override { return past_; }
  autoscaler::settings& settings() override { return settings_; }

  std::vector<pool_order> decide(time_point now, const load_snapshot& load,
                                 const std::vector<autoscaler::pool_status>& pools) override {
    if (!first_) first_ = now;
    autoscaler::surroundings around;
    around.unix_seconds = unix_seconds(now);
    auto d = autoscaler::decide(now, load, pools, past_, settings_, around);
    note_deadlines(now, load, pools, d);
    std::vector<pool_order> out;
    for (auto& p : d.pools)
      out.push_back(
          {p.target, p.max, p.ceiling, std::move(p.drain), std::move(p.take_back), false});
    return out;
  }

  time_point steady_until() const override { return steady_until_; }

 private:
  void note_deadlines(time_point now, const load_snapshot& load,
                      const std::vector<autoscaler::pool_status>& pools,
                      const autoscaler::decision& d) {
    for (std::size_t i = 0; i < d.pools.size(); ++i) {
      const auto& scaling = settings_.pools[i].scaling;
      const auto& p = d.pools[i];
      if (std::exchange(wanted_[i], p.wanted) != p.wanted) {
        const auto& down = scaling.scale_down;
        const auto longest = std::max(down.stabilization, down.idle_timeout);
        for (auto t : {last_, now})
          for (auto window : {scaling.scale_up.stabilization, longest, down.zero_cooldown})
            deadlines_.insert(t + window);
      }
      if (std::exchange(targets_[i], p.target) != p.target) {
        for (const auto& r : scaling.scale_up.policies) deadlines_.insert(now + r.period);
        for (const auto& r : scaling.scale_down.policies) deadlines_.insert(now + r.period);
      }
    }
    last_ = now;
    for (const auto& p : d.pools) deadlines_.insert(p.kept_until);
    deadlines_.erase(deadlines_.begin(), deadlines_.upper_bound(now));
    steady_until_ = now + longest_pause;
    if (!deadlines_.empty()) steady_until_ = std::min(steady_until_, *deadlines_.begin());
    for (const auto& g : load.demand)
      if (g.ready + g.assigned > 0) steady_until_ = now;
    for (const auto& w : load.workers)
      for (const auto& p : settings_.pools)
        if (w.window == 0 && w.pool == p.name)
          consider(now, w.idle_since + p.scaling.scale_down.idle_timeout);
    for (const auto& s : pools)
      if (s.backoff) consider(now, s.backoff->until);
    note_time_of_day(now);
  }

  // What changes with time alone: schedules by the minute; signals and money spent at any moment.
  void note_time_of_day(time_point now) {
    if (always_moving_ || !settings_.signals.empty() || settings_.budget.total) steady_until_ = now;
    if (!has_schedule_) return;
    const auto next = (unix_seconds(now) / minute + 1) * minute;
    consider(now, *first_ + std::chrono::seconds{next - begins_});
  }

  // Pre: a decision has been made.
  std::int64_t unix_seconds(time_point now) const {
    return begins_ + std::chrono::duration_cast<std::chrono::seconds>(now - *first_).count();
  }

  void consider(time_point now, time_point t) {
    if (t > now) steady_until_ = std::min(steady_until_, t);
  }

  const duration interval_, reaction_;
  autoscaler::settings settings_;
  const std::int64_t begins_;
  std::optional<time_point> first_;  // decision, which is when the run begins
  autoscaler::history past_;
  std::vector<std::uint32_t> wanted_, targets_;
  std::set<time_point> deadlines_;  // when a window or a rate period of something seen ends
  time_point last_{}, steady_until_{};
  bool has_schedule_ = false;
  bool always_moving_ = false;  // a scheduled minimum ends within a minute
};

}  // namespace

bool is_foreign(const signal_settings& s) { return s.source == signal_source::prometheus; }

std::unique_ptr<shipped_policy> make_shipped_policy(const cluster_settings& cluster,
                                                    const wall_clock& wall) {
  return std::make_unique<policy_as_shipped>(cluster, wall);
}

}  // namespace troupe::simulator
