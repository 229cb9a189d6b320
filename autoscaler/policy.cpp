// The steps of a decision: gather what there is → limits of all pools together → what-if placement,
// tolerance → signals → for each pool: stabilisation, min and max, rate limits → which workers → words.
//
// Stabilisation, policies by period and their selection follow Kubernetes' HorizontalPodAutoscaler
// v2 ("Configurable scaling behavior"); the demand does not: it is a placement, not a ratio.
#include "autoscaler/policy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autoscaler/placement.hpp"
#include "autoscaler/reasons.hpp"
#include "autoscaler/schedule.hpp"
#include "autoscaler/signal_demand.hpp"
#include "autoscaler/sizing.hpp"

namespace troupe::autoscaler {

namespace {

// Goes through the snapshot once for all pools.
std::vector<pool_facts> gather(time_point now, const load_snapshot& load,
                               const std::vector<pool_status>& pools, const settings& s,
                               const surroundings& around) {
  std::vector<pool_facts> all;
  all.reserve(s.pools.size());
  for (const auto& policy : s.pools) {
    pool_facts f;
    f.policy = &policy;
    f.alone = s.pools.size() == 1;
    f.more_to_come = load.tasks[static_cast<std::size_t>(task_state::waiting)] > 0;
    for (const auto& status : pools)
      if (status.name == policy.name) f.status = &status;
    all.push_back(std::move(f));
  }
  for (const auto& w : load.workers)
    for (auto& f : all)
      if (f.policy->name == w.pool) f.see(w);
  for (auto& f : all) f.finish(now, around);
  return all;
}

std::vector<placement_pool> for_placement(const std::vector<pool_facts>& all) {
  std::vector<placement_pool> pools;
  pools.reserve(all.size());
  for (const auto& f : all) {
    placement_pool p;
    p.policy = f.policy;
    p.pending = f.pending;
    p.takeable = static_cast<std::uint32_t>(f.status->takeable.size());
    p.room = f.room;
    p.launchable = f.launchable;
    p.reserved = f.reserved;
    pools.push_back(p);
  }
  return pools;
}

// Small excess is left to the workers there are: their work will take a little longer than the
// target duration.
void within_tolerance(const load_snapshot& load, const std::vector<placement_pool>& pools,
                      const shared_room& room, placement& exact, std::vector<bool>& held) {
  const bool grows = std::any_of(exact.pools.begin(), exact.pools.end(),
                                 [](const auto& use) { return use.missing() > 0; });
  if (!grows) return;
  const auto tolerant = place(load, pools, room, horizon_of_existing::tolerant);
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (exact.pools[i].missing() == 0 || tolerant.pools[i].missing() > 0) continue;
    exact.pools[i] = tolerant.pools[i];
    held[i] = true;
  }
}

// What the placement leaves of the shared room.
shared_room left_of(shared_room room, const std::vector<pool_facts>& all, const placement& placed) {
  for (std::size_t i = 0; i < all.size(); ++i)
    room.take(less(placed.pools[i].fresh, all[i].reserved), all[i].policy->cost_per_hour);
  return room;
}

void allot(std::vector<pool_facts>& all, const placement& placed) {
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i].allotted =
        std::max(all[i].reserved, placed.pools[i].fresh) + placed.pools[i].allotted;
}

decision describe(time_point now, const load_snapshot& load, placement& placed) {
  decision d;
  d.at = now;
  for (const auto& g : load.demand) {
    d.ready += g.ready;
    d.assigned += g.assigned;
  }
  for (const auto& r : load.running) d.running += r.count;
  d.work_seconds = placed.work_seconds;
  d.unplaced = std::move(placed.unplaced);
  return d;
}

}  // namespace

decision decide(time_point now, const load_snapshot& load, const std::vector<pool_status>& pools,
                history& past, const settings& s, const surroundings& around) {
  auto all = gather(now, load, pools, s, around);
  const auto room = apply_caps(all, s, past);
  const auto inputs = for_placement(all);
  auto placed = place(load, inputs, room, horizon_of_existing::exact);
  std::vector<bool> tolerated(all.size(), false);
  within_tolerance(load, inputs, room, placed, tolerated);
  auto signals = read_signals(now, load, all, past, s, around);
  auto left = left_of(room, all, placed);
  add_signal_demand(signals, all, left, placed.pools);
  if (room.limited()) allot(all, placed);

  auto d = describe(now, load, placed);
  d.signals = std::move(signals);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto sized = size_pool(now, all[i], placed.pools[i], left, past.pool(all[i].policy->name));
    sized.tolerated = sized.tolerated || tolerated[i];
    explain(now, all[i], sized, d);
    d.pools.push_back(std::move(sized.out));
  }
  d.reason = summary(d);
  return past.record(std::move(d), s.history, s.sample_interval);
}

pool_policy policy_of(const pool_settings& pool, std::uint32_t machine_cores,
                      const time_zones& zones) {
  pool_policy p;
  p.name = pool.name;
  p.worker = pool.worker.resources;
  const auto slots = pool.worker.slots ? pool.worker.slots : std::max(machine_cores, 1u);
  p.worker.set("cpus", static_cast<amount>(slots) * one_unit);
  p.min = pool.min;
  p.max = pool.max;
  p.priority = pool.priority;
  p.cost_per_hour = pool.cost_per_hour;
  p.scaling = pool.autoscaler;
  p.schedule = schedule_of(pool.autoscaler.schedule, zones);
  return p;
}

settings settings_of(const autoscaler_settings& from) {
  settings s;
  s.signals = from.signals;
  s.max_workers = from.max_workers;
  s.budget = from.budget;
  s.history = from.history;
  return s;
}

}  // namespace troupe::autoscaler
