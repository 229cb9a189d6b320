// What the policy promises, held against many seeds of load and luck.
#include <algorithm>
#include <optional>
#include <set>

#include "autoscaler/policy.hpp"
#include "tests/autoscaler/simulator/rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::simulator::test {

namespace {

// Late, lost and doubled answers, refusals, deaths, all at once.
conditions rough_world(random_stream& random) {
  auto up_to = [&](double most) { return random.uniform() * most; };
  conditions w;
  w.call = {spread::shape::even, 0s, from_seconds(0.1 + up_to(8))};
  w.boot = {spread::shape::even, 1s, from_seconds(2 + up_to(60))};
  w.stop = {spread::shape::even, 0s, from_seconds(0.1 + up_to(10))};
  w.launch_failures = up_to(0.2);
  w.boot_failures = up_to(0.1);
  w.lost_messages = up_to(0.1);
  w.duplicate_answers = up_to(0.2);
  w.crashes = up_to(6);
  w.preemptions = up_to(3);
  w.notice = from_seconds(up_to(60));
  return w;
}

simulation_settings rough_cluster(random_stream& random) {
  simulation_settings s;
  const auto pools = 1 + random.next() % 3;
  for (std::uint64_t i = 0; i < pools; ++i) {
    const auto min = static_cast<std::uint32_t>(random.next() % 3);
    const auto most = min + 1 + static_cast<std::uint32_t>(random.next() % 12);
    auto p = pool_of("p" + std::to_string(i), min, most,
                     1 + static_cast<std::uint32_t>(random.next() % 3));
    p.autoscaler.scale_down.idle_timeout = from_seconds(1 + random.uniform() * 60);
    p.autoscaler.target_duration = from_seconds(0.5 + random.uniform() * 20);
    p.launch.backoff_max = 30s;
    if (random.chance(0.3)) p.autoscaler.scale_up.policies = {{rate_unit::workers, 2, 10s}};
    if (random.chance(0.3)) p.autoscaler.scale_down.policies = {{rate_unit::percent, 50, 20s}};
    s.cluster.pools.push_back(p);
    s.worlds.push_back(rough_world(random));
  }
  s.cluster.scheduler.crash_limit = 1000;
  return s;
}

std::unique_ptr<load> rough_load(random_stream& random) {
  plan p;
  duration at{};
  for (int i = 0; i < 12; ++i) {
    at += from_seconds(random.uniform() * 120);
    p.tasks(at, 1 + static_cast<std::uint32_t>(random.next() % 60),
            from_seconds(0.02 + random.uniform() * 20));
  }
  return p.done();
}

}  // namespace

TEST_CASE("whatever load and luck: caps hold, everything ends, the pools return to their minimum") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    random_stream random(seed, "rough");
    auto s = rough_cluster(random);
    s.seed = seed;
    s.cool_down = 2h;
    rig r(s, rough_load(random));
    // From here on luck is good, so that all can end.
    r.world.agenda().after(40min, [&] {
      for (std::size_t i = 0; i < s.cluster.pools.size(); ++i) r.world.provider_of(i).world() = {};
    });
    const auto o = r.run();  // throws where a cap or the minimum is broken
    CHECK_FALSE(o.stuck);
    CHECK(o.tasks.finished == o.tasks.submitted);
    for (std::size_t i = 0; i < s.cluster.pools.size(); ++i)
      CHECK(r.world.provider_of(i).alive() <= s.cluster.pools[i].min);
  }
}

TEST_CASE("the minimum is restored after losses") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    auto s = one_pool(3, 8);
    s.seed = seed;
    s.worlds.emplace_back().boot = {spread::shape::even, 1s, 40s};
    rig r(s, plan().tasks(0s, 1, 1s).tasks(1h, 1, 1s).done());
    for (int i = 0; i < 10; ++i)
      r.world.agenda().after(5min * (i + 1), [&] {
        auto there = r.world.provider_of(0).list();
        if (!there.empty()) r.world.provider_of(0).kill(there.front());
      });
    std::uint32_t least = 99;
    for (int i = 0; i < 10; ++i)
      r.world.agenda().after(5min * (i + 1) + 1min, [&] {
        least = std::min(least, r.world.manager_of(0).count(launch_phase::registered));
      });
    r.run();
    CHECK(least == 3);
  }
}

TEST_CASE("a constant load with noise of a fifth makes no reversal after warm-up") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    auto s = one_pool(0, 60);
    s.seed = seed;
    s.worlds.emplace_back().boot = {spread::shape::even, 10s, 40s};
    rig r(s, plan().stream(0s, 80min, 4, 4s, 0.2, seed).done());
    r.world.agenda().after(10min, [&] { r.last_direction = 0; });  // warm: from here on it counts
    const auto o = r.run();
    CHECK(o.tasks.finished == o.tasks.submitted);
    const auto before_the_end = std::count_if(r.turns.begin(), r.turns.end(), [](auto at) {
      return at >= 10min && at < 80min;
    });
    CHECK(before_the_end == 0);
  }
}

TEST_CASE("a step settles within the boot delay and a few periods, hardly above what it needs") {
  constexpr std::uint32_t needed = 20;  // two tasks a second of ten seconds each
  constexpr std::uint32_t rate_step = 4;
  constexpr duration rate_period = 15s, length = 1h;
  for (duration boot : {15s, 60s}) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      INFO("seed " << seed << ", boots up to " << to_seconds(boot) << " s");
      auto s = one_pool(0, 100);
      s.seed = seed;
      s.worlds.emplace_back().boot = {spread::shape::even, 5s, boot};
      auto& scaling = s.cluster.pools[0].autoscaler;
      scaling.scale_up.policies = {{rate_unit::workers, rate_step, rate_period}};
      generated_load_settings g;
      g.shape = load_shape::step;
      g.length = length;
      g.rate = 2;
      g.seed = seed;
      rig r(s, generate(g));
      std::optional<duration> settled;
      auto checks = r.world.on_step;
      r.world.on_step = [&](const simulation& w) {
        checks(w);
        const auto serving = w.manager_of(0).count(launch_phase::registered);
        if (!settled && serving >= needed) settled = w.now() - simulation::start - length / 10;
      };
      r.run();
      REQUIRE(settled);
      // As many periods as the rate allows steps, a boot, a call, and a few decisions.
      CHECK(*settled <= rate_period * (needed / rate_step) + boot + 1s + 5s);
      // One step of the rate; where boots take longer, what it allows while they do.
      CHECK(r.result.overshoot() <= rate_step * (boot / rate_period));
    }
  }
}

TEST_CASE("a ramp is followed with a bounded lag") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    auto s = one_pool(0, 200);
    s.seed = seed;
    s.worlds.emplace_back().boot = {spread::shape::even, 20s, 40s};
    generated_load_settings g;
    g.shape = load_shape::ramp;
    g.length = 2h;
    g.rate = 4;  // forty workers' worth in the middle
    g.seed = seed;
    rig r(s, generate(g));
    const auto o = r.run();
    // Never longer than a call, a boot, a decision and a task more.
    CHECK(o.wait_max <= 1 + 40 + 1 + 10 + 5);
    CHECK(o.wait_p95 <= 40);
  }
}

TEST_CASE("no launch for work that is blocked or that no pool can run") {
  auto s = one_pool(0, 20);
  s.cluster.pools.push_back(pool_of("large", 0, 0, 8));  // may have no worker at all
  plan p;
  const auto eight = p.kind("eight", {{"cpus", 8}});
  p.tasks(0s, 40, 10s, eight);
  // One task, and twenty that wait for it.
  std::vector<planned_task> graph{{0, 10min, {}}};
  for (int i = 0; i < 20; ++i) graph.push_back({0, 10s, {0}});
  p.graph(1s, graph);
  rig r(s, p.done());
  std::uint32_t most_before = 0;
  r.world.agenda().after(9min, [&] { most_before = r.most[0]; });
  const auto o = r.run();
  CHECK(most_before == 1);
  CHECK(r.most[1] == 0);
  CHECK(o.tasks.finished == 21);
  CHECK(o.tasks.finished + o.tasks.unended() + o.tasks.refused == o.tasks.submitted);
}

TEST_CASE("from many seeds: never a launch beyond the tasks that could run, whatever else waits") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    random_stream random(seed, "blocked");
    auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random.next() % n); };
    auto s = one_pool(0, 40);
    s.seed = seed;
    s.worlds.emplace_back() = rough_world(random);
    s.cluster.scheduler.crash_limit = 1000;
    s.cluster.pools.push_back(pool_of("closed", 0, 0, 8));
    s.worlds.emplace_back();
    plan p;
    const auto large = p.kind("large", {{"cpus", 8}});
    const auto elsewhere = p.kind("elsewhere", {}, "closed");
    std::uint32_t runnable = 0;
    for (int graph = 0; graph < 8; ++graph) {
      // Each task waits for up to three before it, so that most of a graph is blocked at any time.
      std::vector<planned_task> tasks;
      const auto n = 1 + below(40);
      for (std::uint32_t i = 0; i < n; ++i) {
        planned_task t{0, from_seconds(1 + random.uniform() * 30), {}};
        for (auto k = i == 0 ? 0 : below(4); k > 0; --k) {
          const auto before = below(i);
          if (std::count(t.after.begin(), t.after.end(), before) == 0) t.after.push_back(before);
        }
        tasks.push_back(std::move(t));
      }
      runnable += n;
      p.graph(from_seconds(graph * random.uniform() * 100), std::move(tasks));
      p.tasks(from_seconds(random.uniform() * 100), below(30), 10s, graph % 2 == 0 ? large : elsewhere);
    }
    rig r(s, p.done());
    auto checks = r.world.on_decision;
    r.world.on_decision = [&](const auto& d) {
      checks(d);
      std::uint64_t could_run = 0;  // on the one open pool: a task a worker
      for (const auto& g : d.load.demand)
        if (std::count(g.pools.begin(), g.pools.end(), "here") > 0) could_run += g.ready;
      for (const auto& w : d.load.workers) could_run += w.window;
      const auto size = d.pools[0].registered + d.pools[0].launching();
      if (d.orders[0].target > std::max<std::uint64_t>(size, could_run))
        throw std::logic_error("a launch for work that can't run");
    };
    r.world.agenda().after(30min, [&] { r.world.provider_of(0).world() = {}; });
    const auto o = r.run();
    CHECK(r.most[1] == 0);
    CHECK(o.tasks.finished == runnable);
  }
}

namespace {

// Part of the workers of a pool that never ran a task, over many waves of short ones.
double never_used(spread boot) {
  std::uint64_t launched = 0, used = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    auto s = one_pool(0, 50);
    s.seed = seed;
    s.worlds.emplace_back().boot = boot;
    plan p;
    random_stream random(seed, "waves");
    for (auto t = 0s; t < 2h; t += 5min)
      p.tasks(t, 1 + static_cast<std::uint32_t>(random.next() % 30), 8s);
    rig r(s, p.done());
    std::set<worker_id> joined, worked;
    auto checks = r.world.on_decision;
    r.world.on_decision = [&](const auto& d) {
      checks(d);
      for (const auto& w : d.load.workers) {
        joined.insert(w.id);
        if (w.window > 0) worked.insert(w.id);
      }
    };
    const auto o = r.run();
    // A wave asks for workers once; while it lasts nothing is asked for again after an idle kill.
    CHECK(o.reversals <= 2 * 24);
    CHECK(o.tasks.finished == o.tasks.submitted);
    launched += joined.size();
    used += worked.size();
  }
  return 1 - static_cast<double>(used) / static_cast<double>(launched);
}

}  // namespace

TEST_CASE("no worker is launched only to be idle and stopped, unless its boot is longer than the work") {
  CHECK(never_used({spread::shape::even, 1s, 3s}) <= 0.02);
  // Waves are over in less than 30 s: those that boot slowest come too late, and launches are called
  // off when they have been too many for as long as a worker may be idle.
  CHECK(never_used({spread::shape::even, 5s, 50s}) <= 0.35);
}

TEST_CASE("max_workers and the budget hold at every step, whatever the delays and faults") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    random_stream random(seed, "caps");
    auto s = rough_cluster(random);
    s.seed = seed;
    std::uint32_t least_workers = 0;
    double least_cost = 0;
    for (std::size_t i = 0; i < s.cluster.pools.size(); ++i) {
      auto& p = s.cluster.pools[i];
      p.cost_per_hour = 1 + static_cast<double>(random.next() % 5);
      least_workers += p.min;
      least_cost += p.min * p.cost_per_hour;
    }
    const auto most_workers = least_workers + 1 + static_cast<std::uint32_t>(random.next() % 8);
    const auto most_cost = least_cost + 5 + random.uniform() * 20;
    s.cluster.autoscaler.max_workers = most_workers;
    if (random.chance(0.7)) s.cluster.autoscaler.budget.per_hour = most_cost;
    simulation world(s, rough_load(random), make_shipped_policy(s.cluster));
    std::uint32_t highest = 0;
    double dearest = 0;
    world.on_step = [&](const simulation& w) {
      std::uint32_t workers = 0;
      double cost = 0;
      for (std::size_t i = 0; i < s.cluster.pools.size(); ++i) {
        const auto& m = w.manager_of(i);
        const auto here = m.live() + m.count(launch_phase::draining);
        workers += here;
        cost += here * s.cluster.pools[i].cost_per_hour;
      }
      highest = std::max(highest, workers);
      dearest = std::max(dearest, cost);
    };
    world.agenda().after(40min, [&] {
      for (std::size_t i = 0; i < s.cluster.pools.size(); ++i) world.provider_of(i).world() = {};
    });
    const auto o = world.run();
    CHECK(highest <= most_workers);
    if (s.cluster.autoscaler.budget.per_hour) CHECK(dearest <= most_cost + 1e-6);
    CHECK(o.tasks.finished + o.tasks.refused == o.tasks.submitted);
  }
}

TEST_CASE("where the first pool is dead the second serves in the same decision, and the first is probed") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    simulation_settings s;
    s.seed = seed;
    s.cluster.pools = {pool_of("a", 0, 10), pool_of("b", 0, 10)};
    s.cluster.pools[0].priority = 1;
    s.cluster.pools[0].launch.backoff_max = 1min;
    s.worlds.resize(2);
    s.worlds[0].launch_failures = 1;
    // The second pool is too small for what comes when the first has been mended.
    rig r(s, plan().stream(0s, 20min, 1, 5s, 0.2, seed).stream(20min, 30min, 3, 5s, 0.2, seed).done());
    bool first = true;
    bool same_decision = true;
    auto checks = r.world.on_decision;
    r.world.on_decision = [&](const auto& d) {
      checks(d);
      const bool waits = !d.load.demand.empty();
      if (!d.pools[0].backoff || d.pools[0].backoff->until <= d.now || !waits) return;
      if (std::exchange(first, false)) same_decision = d.orders[1].target > 0;
    };
    r.world.agenda().after(20min, [&] { r.world.provider_of(0).world() = {}; });
    std::uint32_t of_a = 0;
    r.world.agenda().after(29min, [&] { of_a = r.world.manager_of(0).live(); });
    const auto o = r.run();
    CHECK_FALSE(first);
    CHECK(same_decision);
    CHECK(of_a > 0);  // it was tried again, and serves
    CHECK(o.tasks.finished == o.tasks.submitted);
  }
}

TEST_CASE("with the same history, more demand never gives a smaller target") {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    INFO("seed " << seed);
    random_stream random(seed, "more");
    auto s = rough_cluster(random);
    s.cluster.pools.resize(1);
    s.seed = seed;
    rig r(s, rough_load(random));
    auto before = r.policy.past();
    auto checks = r.world.on_decision;
    std::uint64_t compared = 0;
    r.world.on_decision = [&](const auto& d) {
      checks(d);
      auto past = std::exchange(before, r.policy.past());
      auto more = d.load;
      if (more.demand.empty()) return;
      more.demand[0].ready += 1 + random.next() % 20;
      const auto grown = autoscaler::decide(d.now, more, d.pools, past, r.policy.settings());
      if (grown.pools[0].target < d.orders[0].target) throw std::logic_error("a smaller target");
      ++compared;
    };
    r.world.stop_when = [&](const auto& w) { return w.now() > simulation::start + 30min; };
    r.run();
    CHECK(compared > 0);
  }
}

}  // namespace troupe::simulator::test
