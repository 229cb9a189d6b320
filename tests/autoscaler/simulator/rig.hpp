// Builders for simulations in tests: a pool in a few words, loads by hand, and what must hold of
// every decision and every step, whatever the load and the luck.
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "autoscaler/simulator/generated_load.hpp"
#include "autoscaler/simulator/simulation.hpp"

namespace troupe::simulator::test {

using namespace std::chrono_literals;

inline pool_settings pool_of(const std::string& name, std::uint32_t min,
                             std::optional<std::uint32_t> max, std::uint32_t slots = 1) {
  pool_settings p;
  p.name = name;
  p.min = min;
  p.max = max;
  p.worker.slots = slots;
  p.cost_per_hour = 1;
  p.boot_deadline = 5min;
  return p;
}

inline simulation_settings one_pool(std::uint32_t min, std::optional<std::uint32_t> max,
                                    std::uint32_t slots = 1) {
  simulation_settings s;
  s.cluster.pools.push_back(pool_of("here", min, max, slots));
  return s;
}

// A load by hand.
class plan {
 public:
  plan() { what_->kinds.push_back({"f", {}, {}, 0, {}}); }

  std::uint32_t kind(const std::string& function, resource_set resources,
                     const std::string& pool = {}) {
    what_->kinds.push_back({function, std::move(resources), pool, 0, {}});
    return static_cast<std::uint32_t>(what_->kinds.size() - 1);
  }
  plan& tasks(duration at, std::uint32_t n, duration each, std::uint32_t kind = 0) {
    submission s;
    s.at = at;
    s.tasks.assign(n, planned_task{kind, each, {}});
    what_->submissions.push_back(std::move(s));
    return *this;
  }
  plan& graph(duration at, std::vector<planned_task> tasks) {
    what_->submissions.push_back({at, std::move(tasks)});
    return *this;
  }
  // So many tasks a second, each time the number and the length up to `noise` more or less.
  plan& stream(duration from, duration until, double rate, duration each, double noise,
               std::uint64_t seed) {
    random_stream random(seed, "stream");
    auto around = [&](double x) { return x * (1 + noise * (2 * random.uniform() - 1)); };
    double owed = 0;
    for (auto t = from; t < until; t += 1s) {
      for (owed += around(rate); owed >= 1; --owed) tasks(t, 1, from_seconds(around(to_seconds(each))));
    }
    return *this;
  }
  std::unique_ptr<load> done() const { return replay(what_); }

 private:
  std::shared_ptr<recorded_load> what_ = std::make_shared<recorded_load>();
};

// A simulation with our policy, and what must hold throughout.
struct rig {
  rig(simulation_settings s, std::unique_ptr<load> what)
      : rig(s, std::move(what), make_shipped_policy(s.cluster)) {}
  rig(simulation_settings s, std::unique_ptr<load> what, std::unique_ptr<shipped_policy> ours)
      : settings(s), policy(*ours), world(s, std::move(what), std::move(ours)) {
    world.on_decision = [this](const auto& d) { check_decision(d); };
    world.on_step = [this](const auto&) { check_step(); };
  }

  outcome run() { return result = world.run(); }

  void check_decision(const simulation::decided& d) {
    ++decisions;
    for (std::size_t i = 0; i < d.orders.size(); ++i) {
      const auto& p = settings.cluster.pools[i];
      const auto& o = d.orders[i];
      const auto size = d.pools[i].registered + d.pools[i].launching();
      if (o.target < p.min) throw std::logic_error("a target below min");
      if (p.max && o.target > *p.max) throw std::logic_error("a target above max");
      for (const auto& w : d.load.workers)
        if (w.window > 0 && std::count(o.drain.begin(), o.drain.end(), w.id) > 0)
          throw std::logic_error("a busy worker is drained");
      if (o.target > size) note(i, 1, d.now);
      if (o.target < size) note(i, -1, d.now);
      if (i == 0) targets.push_back({d.now - simulation::start, o.target, size});
    }
    if (policy.past().last().reason.empty()) throw std::logic_error("a decision without a reason");
  }

  void check_step() {
    for (std::size_t i = 0; i < settings.cluster.pools.size(); ++i) {
      const auto& p = settings.cluster.pools[i];
      const auto& m = world.manager_of(i);
      const auto all = m.live() + m.count(launch_phase::draining);
      if (p.max && all > *p.max) throw std::logic_error("more workers than max");
      most[i] = std::max(most[i], all);
    }
    if (++steps % 500 == 0) world.core().check_invariants();
  }

  // Directions of changes in the first pool, and when they turned.
  void note(std::size_t pool, int direction, time_point at) {
    if (pool != 0) return;
    if (last_direction == -direction) turns.push_back(at - simulation::start);
    last_direction = direction;
  }
  std::size_t turns_after(duration t) const {
    return static_cast<std::size_t>(
        std::count_if(turns.begin(), turns.end(), [&](auto at) { return at >= t; }));
  }

  struct target {
    duration at;
    std::uint32_t wanted, size;
  };
  simulation_settings settings;
  shipped_policy& policy;
  simulation world;
  outcome result;
  std::vector<target> targets;
  std::vector<duration> turns;
  int last_direction = 0;
  std::uint64_t decisions = 0, steps = 0;
  std::array<std::uint32_t, 4> most{};
};

}  // namespace troupe::simulator::test
