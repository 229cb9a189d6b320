// First fit, hardest groups first: those that the fewest pools can run, then those that take the
// largest part of a worker, then the most urgent.
#include "autoscaler/placement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>

namespace troupe::autoscaler {

namespace {

constexpr double epsilon = 1e-9;
using amounts = std::vector<double>;  // by index of resource

// The order in which a group looks for room: workers at work, idle ones, those under way, those
// that are leaving, new ones.
enum class phase : std::uint8_t { busy, idle, pending, takeable, fresh, blocked };

struct bin_class {
  std::size_t pool = 0;
  autoscaler::phase phase{};
  amounts free;        // resources × part of the horizon
  amounts startable;   // resources that long tasks can take at some moment of it
  amounts total;       // of one worker
  double horizon = 1;  // seconds
  std::uint32_t count = 0;
  bool used = false;
};

struct group {
  const demand_group* source = nullptr;
  const resource_set* resources = nullptr;
  amounts request;
  double tasks = 0;
  double seconds = 0;              // expected, of one task
  std::vector<std::size_t> plain;  // pools that fit and have nothing special it doesn't ask for
  std::vector<std::size_t> wasteful;
  double share = 0;  // the largest part of a worker that one task takes
};

// How many at once, by whole tasks.
double times(const amounts& total, const amounts& request) {
  double n = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < request.size(); ++k)
    if (request[k] > 0) n = std::min(n, std::floor(total[k] / request[k] + epsilon));
  return n;
}

class what_if {
 public:
  what_if(const load_snapshot& load, const std::vector<placement_pool>& pools, shared_room room,
          horizon_of_existing existing)
      : load_(load), pools_(pools), existing_(existing), room_(room) {
    out_.pools.resize(pools.size());
    for (const auto& p : pools) reserved_.push_back(p.reserved);
    index_resources();
    add_workers();
    add_launches();
    make_groups();
  }

  placement run() {
    for (auto& g : groups_) {
      fill_existing(g, g.plain);
      open_new(g, phase::fresh);
      fill_existing(g, g.wasteful);
      open_new(g, phase::blocked);
      note_unplaced(g);
    }
    count_use();
    return std::move(out_);
  }

 private:
  void index_resources() {
    auto learn = [&](const resource_set& r) {
      for (const auto& [name, a] : r.entries()) index_.try_emplace(name, index_.size());
    };
    for (const auto& p : pools_) learn(p.policy->worker);
    for (const auto& w : load_.workers) learn(w.resources);
    for (const auto& s : load_.shapes) learn(s.resources);
    for (const auto& p : pools_) pool_total_.push_back(vector_of(p.policy->worker));
  }

  amounts vector_of(const resource_set& r) const {
    amounts v(index_.size(), 0.0);
    for (const auto& [name, a] : r.entries())
      v[index_.at(name)] = static_cast<double>(a) / one_unit;
    return v;
  }

  double horizon(std::size_t pool) const {
    return std::max(to_seconds(pools_[pool].policy->scaling.target_duration), 1e-3);
  }

  double existing_horizon(std::size_t pool) const {
    const auto tolerance = std::max(pools_[pool].policy->scaling.tolerance, 0.0);
    return horizon(pool) * (existing_ == horizon_of_existing::tolerant ? 1 + tolerance : 1);
  }

  std::optional<std::size_t> pool_named(const std::string& name) const {
    for (std::size_t i = 0; i < pools_.size(); ++i)
      if (pools_[i].policy->name == name) return i;
    return {};
  }

  void add_workers() {
    using key = std::tuple<std::size_t, phase, amounts, amounts, amounts>;
    std::map<key, std::size_t> known;
    for (const auto& w : load_.workers) {
      if (w.window > 0)  // of the running ones; those that wait in windows are in the demand
        out_.work_seconds +=
            to_seconds(w.remaining) * w.slots * std::min(w.running, w.window) / w.window;
      const auto pool = pool_named(w.pool);
      if (!pool || w.state != worker_state::ready) continue;
      auto b = bin_of(w, *pool);
      auto [at, added] =
          known.try_emplace({b.pool, b.phase, b.total, b.startable, b.free}, bins_.size());
      if (added)
        bins_.push_back(std::move(b));
      else
        ++bins_[at->second].count;
    }
  }

  // What running tasks hold comes free when they end. The mean of what is left of a task in the
  // window stands for each of them; rounded, so that workers that are nearly equal are one class.
  bin_class bin_of(const worker_load& w, std::size_t pool) const {
    bin_class b;
    b.pool = pool;
    b.phase = w.window == 0 ? phase::idle : phase::busy;
    b.horizon = existing_horizon(pool);
    b.total = b.free = b.startable = vector_of(w.resources);
    b.used = b.phase == phase::busy;
    b.count = 1;
    if (w.running == 0 || w.window == 0 || w.slots == 0) return b;
    const auto mean = to_seconds(w.remaining) * w.slots / w.window;
    const auto each = std::round(std::min(mean / b.horizon, 1.0) * 64) / 64;
    const auto left = left_by_running(w, b.total);
    for (std::size_t k = 0; k < b.total.size(); ++k) {
      b.free[k] -= (b.free[k] - left[k]) * each;
      if (each >= 1) b.startable[k] = left[k];
    }
    return b;
  }

  // Of each resource; where the snapshot doesn't say, slots stand for all of them.
  amounts left_by_running(const worker_load& w, const amounts& total) const {
    if (w.free) return vector_of(*w.free);
    auto left = total;
    for (auto& amount : left)
      amount *= 1 - std::min(static_cast<double>(w.running) / w.slots, 1.0);
    return left;
  }

  // Workers without any task.
  bin_class whole(std::size_t pool, phase kind, double horizon, std::uint32_t count) const {
    const auto& total = pool_total_[pool];
    return {pool, kind, total, total, total, horizon, count, false};
  }

  void add_launches() {
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      auto add = [&](phase kind, std::uint32_t count) {
        if (count == 0) return;
        bins_.push_back(whole(i, kind, existing_horizon(i), count));
      };
      add(phase::pending, pools_[i].pending);
      add(phase::takeable, pools_[i].takeable);
    }
  }

  // By its description, or by workers that turned out to have more.
  bool fits(std::size_t pool, const group& g) const {
    return times(pool_total_[pool], g.request) >= 1 ||
           std::any_of(bins_.begin(), bins_.end(), [&](const auto& b) {
             return b.pool == pool && times(b.total, g.request) >= 1;
           });
  }

  // Whether the pool has something special (a GPU, a licence) that the group has no use for.
  bool wastes(std::size_t pool, const group& g) const {
    for (const auto& [name, a] : pools_[pool].policy->worker.entries())
      if (name != "cpus" && name != "memory" && g.resources->get(name) == 0) return true;
    return false;
  }

  void make_groups() {
    for (const auto& d : load_.demand) {
      if (d.ready + d.assigned == 0) continue;
      group g;
      g.source = &d;
      const auto& wanted = load_.shapes.at(d.shape);
      g.resources = &wanted.resources;
      g.request = vector_of(wanted.resources);
      g.tasks = static_cast<double>(d.ready + d.assigned);
      g.seconds = std::max(to_seconds(d.expected), 1e-6);
      for (const auto& name : d.pools) {
        const auto pool = pool_named(name);
        if (!pool || !fits(*pool, g)) continue;
        const bool waste = wanted.pool.empty() && wastes(*pool, g);
        (waste ? g.wasteful : g.plain).push_back(*pool);
        g.share = std::max(g.share, 1 / std::max(times(pool_total_[*pool], g.request), 1.0));
      }
      if (g.plain.empty()) g.plain.swap(g.wasteful);  // there is nothing better
      if (!g.plain.empty()) out_.work_seconds += g.tasks * g.seconds;
      sort_pools(g, g.plain);
      sort_pools(g, g.wasteful);
      groups_.push_back(std::move(g));
    }
    std::stable_sort(groups_.begin(), groups_.end(), [](const group& a, const group& b) {
      auto key = [](const group& g) {
        return std::tuple(g.plain.size() + g.wasteful.size(), -g.share, g.source->oldest_ready);
      };
      return key(a) < key(b);
    });
  }

  // Priority, then cost of what the group uses, then what would lie idle beside it.
  void sort_pools(const group& g, std::vector<std::size_t>& order) const {
    auto key = [&](std::size_t p) {
      const auto n = std::clamp(times(pool_total_[p], g.request), 1.0, 1e9);
      double idle = 0, kinds = 0;
      for (std::size_t k = 0; k < g.request.size(); ++k) {
        if (pool_total_[p][k] <= 0) continue;
        idle += 1 - n * g.request[k] / pool_total_[p][k];
        ++kinds;
      }
      const auto& policy = *pools_[p].policy;
      return std::tuple(-static_cast<std::int64_t>(policy.priority), policy.cost_per_hour / n,
                        kinds > 0 ? idle / kinds : 0.0, p);
    };
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
  }

  // How many tasks of the group one bin takes; parts of tasks too, because work flows on over the
  // horizon's end. One that is longer than the horizon needs its slot for all that is left of it.
  static double capacity(const bin_class& b, const group& g) {
    const auto part = std::min(g.seconds / b.horizon, 1.0);
    const auto at_once = times(part < 1 ? b.total : b.startable, g.request);
    if (at_once < 1) return 0;
    auto n = at_once / part;
    for (std::size_t k = 0; k < g.request.size(); ++k)
      if (g.request[k] > 0) n = std::min(n, b.free[k] / (g.request[k] * part));
    return std::isfinite(n) ? std::max(n, 0.0) : unlimited;
  }

  static void take(bin_class& b, const group& g, double tasks) {
    const auto part = std::min(g.seconds / b.horizon, 1.0);
    for (std::size_t k = 0; k < g.request.size(); ++k) {
      b.free[k] = std::max(b.free[k] - tasks * part * g.request[k], 0.0);
      if (part >= 1) b.startable[k] = std::max(b.startable[k] - tasks * g.request[k], 0.0);
    }
    b.used = true;
  }

  // Puts as much of the group as goes into bins_[i]; what stays equal stays one class.
  void fill(std::size_t i, group& g) {
    const auto each = capacity(bins_[i], g);
    if (each <= epsilon || g.tasks <= epsilon) return;
    const auto full = static_cast<std::uint32_t>(
        std::min<double>(std::floor(g.tasks / each + epsilon), bins_[i].count));
    const auto original = bins_[i];
    auto left_over = original.count - full;
    bins_[i].count = full;
    if (full > 0) {
      take(bins_[i], g, each);
      g.tasks -= each * full;
    }
    std::optional<bin_class> partial;
    if (left_over > 0 && g.tasks > epsilon) {
      partial = original;
      partial->count = 1;
      take(*partial, g, g.tasks);
      g.tasks = 0;
      --left_over;
    }
    // Full ones stay at i; an empty class there is harmless.
    if (partial) bins_.push_back(std::move(*partial));
    if (left_over > 0) {
      bins_.push_back(original);
      bins_.back().count = left_over;
    }
  }

  void fill_existing(group& g, const std::vector<std::size_t>& order) {
    for (auto kind : {phase::busy, phase::idle, phase::pending, phase::takeable, phase::fresh}) {
      for (auto pool : order) {
        for (bool used : {true, false}) {
          const auto n = bins_.size();  // what fill() splits off has been looked at
          for (std::size_t i = 0; i < n && g.tasks > epsilon; ++i)
            if (bins_[i].pool == pool && bins_[i].phase == kind && bins_[i].used == used &&
                bins_[i].count > 0)
              fill(i, g);
        }
      }
    }
  }

  // Returns how many it opened.
  std::uint32_t open(group& g, std::size_t pool, std::uint32_t limit, phase kind) {
    if (limit == 0 || g.tasks <= epsilon) return 0;
    auto b = whole(pool, kind, horizon(pool), 1);
    const auto each = capacity(b, g);
    if (each <= epsilon) return 0;
    b.count =
        static_cast<std::uint32_t>(std::min<double>(std::ceil(g.tasks / each - epsilon), limit));
    const auto count = b.count;
    opened_[pool] += count;
    bins_.push_back(std::move(b));
    fill(bins_.size() - 1, g);
    return count;
  }

  // New workers: only of pools that waste nothing, where there are any.
  void open_new(group& g, phase kind) {
    for (auto pool : g.plain) {
      auto limit = pools_[pool].room;
      if (kind == phase::fresh) limit = std::min(limit, pools_[pool].launchable);
      if (limit != unlimited) limit = less(limit, opened_[pool]);
      const auto price = pools_[pool].policy->cost_per_hour;
      limit = std::min(limit, plus(room_.fits(price), reserved_[pool]));
      const auto opened = open(g, pool, limit, kind);
      if (kind == phase::blocked) continue;  // takes no place from those that can launch
      const auto own = std::min(opened, reserved_[pool]);
      reserved_[pool] -= own;
      room_.take(opened - own, price);
    }
  }

  void note_unplaced(const group& g) {
    if (g.tasks <= epsilon) return;
    if (!g.plain.empty()) {
      const auto pool = g.plain.front();
      const auto each = capacity(whole(pool, phase::fresh, horizon(pool), 1), g);
      if (each > epsilon)
        out_.pools[pool].beyond += static_cast<std::uint32_t>(std::ceil(g.tasks / each - epsilon));
    }
    unplaced_demand u;
    u.function = g.source->function;
    u.resources = to_string(*g.resources);
    u.tasks = static_cast<std::uint64_t>(std::ceil(g.tasks - epsilon));
    u.reason = reason_unplaced(g);
    out_.unplaced.push_back(std::move(u));
  }

  std::string reason_unplaced(const group& g) const {
    if (g.source->pools.empty()) return "no pool can run it";
    if (g.plain.empty()) return "no worker of any pool is large enough";
    std::string full;
    for (auto pool : g.plain) {
      const auto at = opened_.find(pool);
      if (pools_[pool].launchable == 0 ||
          pools_[pool].room <= (at == opened_.end() ? 0 : at->second))
        continue;
      const auto limit = room_.limit(pools_[pool].policy->cost_per_hour);
      if (limit == shared_cap::workers) return "at the maximum of all pools together";
      if (limit == shared_cap::budget) return "the budget is used up";
    }
    for (auto pool : g.plain)
      full += (full.empty() ? "\"" : ", \"") + pools_[pool].policy->name + "\"";
    return "at the maximum: " + full;
  }

  void count_use() {
    constexpr std::array<std::uint32_t pool_use::*, 6> by_phase{
        &pool_use::busy,          &pool_use::idle_used, &pool_use::pending_used,
        &pool_use::takeable_used, &pool_use::fresh,     &pool_use::blocked};
    for (const auto& b : bins_)
      if (b.used) out_.pools[b.pool].*by_phase[static_cast<std::size_t>(b.phase)] += b.count;
  }

  const load_snapshot& load_;
  const std::vector<placement_pool>& pools_;
  const horizon_of_existing existing_;
  std::map<std::string, std::size_t> index_;
  std::vector<amounts> pool_total_;
  std::vector<bin_class> bins_;
  std::vector<group> groups_;
  std::map<std::size_t, std::uint32_t> opened_;  // by pool
  shared_room room_;
  std::vector<std::uint32_t> reserved_;  // by pool
  placement out_;
};

}  // namespace

placement place(const load_snapshot& load, const std::vector<placement_pool>& pools,
                shared_room room, horizon_of_existing existing) {
  return what_if(load, pools, room, existing).run();
}

}  // namespace troupe::autoscaler
