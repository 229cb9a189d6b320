// A whole elastic pool on a virtual clock: a first-come-first-served queue of tasks on one side,
// the shipped policy and pool core in the middle, the fake provider on the other side.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

#include "autoscaler/policy.hpp"
#include "tests/providers/pool_rig.hpp"

namespace troupe::providers::test {

struct elastic_rig {
  explicit elastic_rig(std::uint32_t min, std::optional<std::uint32_t> max, fake_settings f = {},
                       pool_core_settings p = {})
      : pool(std::move(p), std::move(f)) {
    autoscaler::pool_policy policy;
    policy.name = "here";
    policy.worker = {{"cpus", 1}};
    policy.min = min;
    policy.max = max;
    policy.scaling.scale_down.idle_timeout = 30s;
    s.pools.push_back(policy);
    pool.max = max;
    pool.start();
  }

  struct running_task {
    time_point started{};
    duration length{};
  };
  struct node {
    std::optional<running_task> task;
    time_point idle_since{};
    bool leaving = false;
  };

  autoscaler::pool_policy& policy() { return s.pools[0]; }
  time_point now() const { return pool.now(); }
  void submit(int n, duration each) {
    for (int i = 0; i < n; ++i) queue.push_back(each);
    submitted += static_cast<std::uint64_t>(n);
  }

  void run(duration d) {
    for (const auto end = now() + d; now() < end;) step();
  }
  bool run_until(const std::function<bool()>& condition, duration limit) {
    for (const auto end = now() + limit; now() < end;) {
      if (condition()) return true;
      step();
    }
    return condition();
  }

  void step() {
    pool.run(tick);
    see_workers();
    finish_tasks();
    assign();
    finish_drains();
    const bool unmet = !queue.empty();
    const auto since = now() - last_decision;
    if (since >= 1s || (unmet && since >= 50ms)) decide();
  }

  void see_workers() {
    std::map<worker_id, bool> there;
    for (const auto& v : pool.core.launches())
      if (v.phase == launch_phase::registered || v.phase == launch_phase::draining)
        there[v.worker] = v.phase == launch_phase::draining;
    for (auto& [id, leaving] : there) {
      auto [at, added] = nodes.try_emplace(id);
      if (added) at->second.idle_since = now();
      at->second.leaving = leaving;
    }
    for (auto at = nodes.begin(); at != nodes.end();) {
      if (there.count(at->first)) {
        ++at;
        continue;
      }
      if (at->second.task) {
        queue.push_front(at->second.task->length);
        ++lost;
      }
      at = nodes.erase(at);
    }
  }

  void finish_tasks() {
    for (auto& [id, n] : nodes)
      if (n.task && n.task->started + n.task->length <= now()) {
        const auto took = to_seconds(n.task->length);
        expected = measured ? 0.8 * expected + 0.2 * took : took;
        measured = true;
        n.task.reset();
        n.idle_since = now();
        ++finished;
      }
  }

  void assign() {
    for (auto& [id, n] : nodes)
      if (!n.leaving && !n.task && !queue.empty()) {
        n.task = running_task{now(), queue.front()};
        queue.pop_front();
      }
  }

  void finish_drains() {
    for (auto& [id, n] : nodes)
      if (n.leaving && !n.task) pool.send(event::drain_complete{id});
  }

  load_snapshot snapshot() const {
    load_snapshot load;
    load.now = now();
    load.shapes.push_back({{{"cpus", 1}}, ""});
    if (!queue.empty()) {
      demand_group g;
      g.function = "f";
      g.ready = queue.size();
      g.expected = measured ? from_seconds(expected) : duration{500ms};
      g.measured = measured;
      g.oldest_ready = now();
      g.pools = {"here"};
      load.demand.push_back(g);
    }
    running_group r{"f", 0, {}, measured ? from_seconds(expected) : duration{500ms}};
    for (const auto& [id, n] : nodes) {
      worker_load w;
      w.id = id;
      w.pool = "here";
      w.state = n.leaving ? worker_state::draining : worker_state::ready;
      w.slots = 1;
      w.resources = {{"cpus", 1}};
      w.idle_since = n.idle_since;
      if (n.task) {
        w.running = w.window = 1;
        const auto elapsed = now() - n.task->started;
        w.remaining = std::chrono::abs(r.expected - elapsed);
        ++r.count;
        r.elapsed = std::max(r.elapsed, elapsed);
      }
      load.workers.push_back(w);
    }
    if (r.count > 0) load.running.push_back(r);
    if (!measured && !load.demand.empty())
      load.demand[0].expected = std::max(load.demand[0].expected, r.elapsed);
    return load;
  }

  void decide() {
    last_decision = now();
    const auto load = snapshot();
    const auto d = autoscaler::decide(now(), load, {pool.status()}, past, s);
    const auto& mine = *d.pool("here");
    check(load, mine);
    targets.push_back(mine.target);
    if (mine.direction != direction::none && mine.acts() && mine.direction != last_direction) {
      if (last_direction != direction::none) turns.push_back(now());
      last_direction = mine.direction;
    }
    pool.target(mine.target, mine.drain, mine.take_back);
  }

  // What must hold for every decision, whatever the history.
  void check(const load_snapshot& load, const autoscaler::pool_decision& d) {
    const auto& p = s.pools[0];
    if (d.target < p.min) throw std::logic_error("a target below min");
    if (p.max && d.target > *p.max) throw std::logic_error("a target above max");
    for (const auto& w : load.workers) {
      const bool drained = std::find(d.drain.begin(), d.drain.end(), w.id) != d.drain.end();
      if (drained && w.window > 0) throw std::logic_error("a busy worker is drained");
    }
    if (d.reason.empty()) throw std::logic_error("a decision without a reason");
  }

  using direction = autoscaler::direction;
  pool_rig pool;
  autoscaler::settings s;
  autoscaler::history past;
  std::map<worker_id, node> nodes;
  std::deque<duration> queue;
  double expected = 0;
  bool measured = false;
  duration tick = 50ms;
  std::uint64_t submitted = 0, finished = 0, lost = 0;
  time_point last_decision{};
  direction last_direction = direction::none;
  std::vector<time_point> turns;  // when a decision reversed the one before
  std::vector<std::uint32_t> targets;
};

}  // namespace troupe::providers::test
