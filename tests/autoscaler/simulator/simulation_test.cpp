// The simulator itself: the same seed is the same run, what is left out changes nothing, and what
// the managers believe is what exists.
#include "autoscaler/simulator/plot.hpp"
#include "tests/autoscaler/simulator/rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::simulator::test {

namespace {

// Sums over time are added up in other pieces where decisions are left out.
bool same(const outcome& a, const outcome& b) {
  return a.makespan == b.makespan && a.length == b.length && a.wait_p95 == b.wait_p95 &&
         a.wait_mean == b.wait_mean && a.worker_hours == Approx(b.worker_hours).epsilon(1e-9) &&
         a.cost == Approx(b.cost).epsilon(1e-9) &&
         a.launches == b.launches && a.ends == b.ends && a.reversals == b.reversals &&
         a.peak_workers == b.peak_workers && a.tasks.finished == b.tasks.finished;
}

generated_load_settings quiet_diurnal(duration length, double rate) {
  generated_load_settings g;
  g.shape = load_shape::diurnal;
  g.length = length;
  g.rate = rate;
  g.run_time = *parse_spread("10s~40s");
  return g;
}

// What makes decisions depend on time alone: a schedule, money that is spent, signals of our own.
// True: any moment may differ from the one before, so that nothing can be left out.
bool depend_on_time(cluster_settings& cluster, random_stream& random) {
  const bool odd = random.chance(0.3), spends = random.chance(0.4), listens = random.chance(0.4);
  if (odd || random.chance(0.5))
    cluster.pools[0].autoscaler.schedule = {
        {"30 6 * * *", 3, 90min, "UTC"}, {"10 9 * * *", 1, odd ? 2730s : 2700s, "+05:30"}};
  if (spends) {
    cluster.pools[0].min = 0;  // which is not kept once the money is spent
    cluster.autoscaler.budget.total = 5 + random.uniform() * 10;
  }
  if (!listens) return odd || spends;
  signal_settings s;
  s.name = "queue";
  s.source = signal_source::queue_depth;
  s.target = 2;
  s.interval = from_seconds(1 + random.uniform() * 30);
  cluster.autoscaler.signals = {s};
  return true;
}

conditions with_boot(const char* boot) {
  conditions w;
  w.boot = *parse_spread(boot);
  return w;
}

}  // namespace

TEST_CASE("the same seed gives the same run, another seed another") {
  auto s = one_pool(0, 30);
  s.worlds = {with_boot("20s~1m")};
  s.worlds[0].crashes = 1;
  auto g = quiet_diurnal(6h, 0.5);
  auto run = [&] {
    const auto o = rig(s, generate(g)).run();
    CHECK(o.crashes > 0);
    return time_line_csv(o, true);
  };
  const auto first = run();
  CHECK(first == run());
  s.seed = g.seed = 2;
  CHECK(first != run());
}

TEST_CASE("decisions that are left out change nothing") {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    INFO("seed " << seed);
    random_stream random(seed, "settings");
    auto s = one_pool(static_cast<std::uint32_t>(random.next() % 3), 20);
    s.seed = seed;
    s.worlds = {with_boot("20s~1m")};
    s.worlds[0].crashes = random.uniform() * 2;
    s.worlds[0].launch_failures = random.uniform() * 0.3;
    auto& scaling = s.cluster.pools[0].autoscaler;
    scaling.target_duration = from_seconds(1 + random.uniform() * 30);
    scaling.scale_down.idle_timeout = from_seconds(random.uniform() * 300);
    scaling.scale_down.stabilization = from_seconds(random.uniform() * 100);
    scaling.scale_up.stabilization = from_seconds(random.uniform() * 10);
    if (random.chance(0.5)) scaling.scale_up.policies = {{rate_unit::workers, 2, 20s}};
    if (random.chance(0.5)) scaling.scale_down.policies = {{rate_unit::percent, 30, 60s}};
    const bool moves = seed > 8 && depend_on_time(s.cluster, random);
    auto g = quiet_diurnal(12h, 0.05);
    g.seed = seed;
    // Without the rig's checks: where the money is spent, busy workers go too.
    auto run = [&] { return simulation(s, generate(g), make_shipped_policy(s.cluster)).run(); };
    const auto skipping = run();
    s.skip_quiet = false;
    const auto whole = run();
    CHECK(same(skipping, whole));
    CHECK((moves ? skipping.decisions == whole.decisions : skipping.decisions < whole.decisions));
  }
}

TEST_CASE("what Kubernetes' rule leaves out changes nothing either") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    INFO("seed " << seed);
    auto s = one_pool(static_cast<std::uint32_t>(seed % 3), 20);
    s.seed = seed;
    s.worlds = {with_boot("20s~1m")};
    s.worlds[0].crashes = 1;
    auto g = quiet_diurnal(12h, 0.1);
    g.seed = seed;
    auto run = [&] { return simulation(s, generate(g), make_hpa_policy(s.cluster, {})).run(); };
    const auto skipping = run();
    s.skip_quiet = false;
    const auto whole = run();
    CHECK(same(skipping, whole));
    CHECK(skipping.decisions < whole.decisions);
  }
}

TEST_CASE("24 hours of diurnal load: what the manager believes is what runs, at every step") {
  auto s = one_pool(1, 40);
  s.worlds = {with_boot("20s~1m")};
  s.worlds[0].crashes = 0.2;
  s.worlds[0].preemptions = 0.1;
  s.worlds[0].launch_failures = 0.05;
  rig r(s, generate(quiet_diurnal(24h, 1)));
  std::uint64_t compared = 0;
  r.world.on_step = [&](const simulation& w) {
    r.check_step();
    // No message is lost here, so that both lists are the same at every moment.
    if (w.manager_of(0).believed() != w.provider_of(0).list())
      throw std::logic_error("the manager believes in other instances than there are");
    ++compared;
  };
  const auto o = r.run();
  CHECK(compared > 80'000);
  CHECK(o.tasks.finished == o.tasks.submitted);
  CHECK(r.world.provider_of(0).alive() == 1);
}

TEST_CASE("lost, late and doubled messages leak no instance") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    auto s = one_pool(0, 10);
    s.seed = seed;
    s.worlds = {with_boot("5s-20s")};
    s.worlds[0].call = *parse_spread("0s-20s");
    s.worlds[0].lost_messages = 0.3;
    s.worlds[0].duplicate_answers = 0.5;
    s.worlds[0].crashes = 4;
    s.cluster.scheduler.crash_limit = 1000;
    rig r(s, plan().stream(0s, 30min, 0.5, 10s, 0.5, seed).done());
    const auto o = r.run();
    CHECK(o.tasks.finished == o.tasks.submitted);
    CHECK(r.world.provider_of(0).alive() == 0);
    CHECK(o.length < 2h);
  }
}

TEST_CASE("a preemption drains with its notice and charges nobody") {
  auto s = one_pool(0, 10);
  s.worlds = {with_boot("5s")};
  s.worlds[0].preemptions = 4;
  s.worlds[0].notice = 1min;
  s.cluster.scheduler.crash_limit = 1;  // the first charge would fail the task
  rig r(s, plan().stream(0s, 2h, 0.5, 10s, 0.2, 3).done());
  const auto o = r.run();
  CHECK(o.preemptions > 20);
  CHECK(o.tasks.finished == o.tasks.submitted);
  CHECK(r.world.core().stats().charged == 0);
}

TEST_CASE("a graph runs in its order, and tasks wait from when they are ready") {
  auto s = one_pool(2, 2);
  s.worlds = {with_boot("10s")};
  std::vector<planned_task> chain{{0, 5s, {}}, {0, 5s, {0}}, {0, 5s, {1}}};
  rig r(s, plan().graph(1min, chain).done());
  const auto o = r.run();
  CHECK(o.makespan == 75s);
  CHECK(o.wait_max == 0);
}

TEST_CASE("the bill counts instances from when they are made until they are gone") {
  auto s = one_pool(0, 1);
  s.worlds = {with_boot("30s")};
  s.worlds[0].call = s.worlds[0].stop = spread::exactly(1s);
  s.cluster.pools[0].cost_per_hour = 3600;
  s.cluster.pools[0].autoscaler.scale_down.idle_timeout = 20s;
  rig r(s, plan().tasks(10s, 1, 60s).done());
  const auto o = r.run();
  CHECK(o.cost == Approx(30 + 60 + 20 + 1).margin(1.1));
  CHECK(o.worker_hours == Approx(o.cost / 3600));
  CHECK(o.utilisation == Approx(60 / o.cost));
  CHECK(o.launches == 1);
  CHECK(o.ends == 1);
  CHECK(o.wait_max == Approx(31).margin(1.1));
}

TEST_CASE("what no pool could ever run is refused alone") {
  plan p;
  const auto large = p.kind("large", {{"cpus", 8}});
  rig r(one_pool(0, 5), p.tasks(0s, 3, 5s).tasks(1s, 2, 5s, large).tasks(2s, 3, 5s).done());
  const auto o = r.run();
  CHECK(o.tasks.refused == 2);
  CHECK(o.tasks.finished == 6);
  CHECK_FALSE(o.stuck);
}

TEST_CASE("a load that nothing can run ends as stuck, not never") {
  auto s = one_pool(0, 0);
  rig r(s, plan().tasks(0s, 3, 1s).done());
  const auto o = r.run();
  CHECK(o.stuck);
  CHECK(o.tasks.unended() == 3);
}

TEST_CASE("a run in which machines come and go but no task gets anywhere ends as stuck") {
  auto in = [](conditions world) {
    auto s = one_pool(0, 5);
    s.worlds = {world};
    return rig(s, plan().tasks(0s, 20, 10s).done()).run();
  };
  conditions refuses, slow, takes_away;
  refuses.launch_failures = 1;
  slow.boot = spread::exactly(10min);  // past the boot_deadline
  takes_away.preemptions = 3600;
  takes_away.notice = 1s;
  for (const auto& world : {refuses, slow}) {
    const auto o = in(world);
    CHECK(o.stuck);
    CHECK(o.tasks.unended() == 20);
    CHECK(o.failed_starts > 0);
  }
  // Now and then a task is lucky; what matters is that it ends.
  CHECK(in(takes_away).preemptions > 0);
}

TEST_CASE("a task that takes longer than a run may be without progress is not stuck") {
  auto s = one_pool(0, 1);
  s.stuck_after = 1h;
  const auto o = rig(s, plan().tasks(0s, 2, 20h).done()).run();
  CHECK_FALSE(o.stuck);
  CHECK(o.tasks.finished == 2);
}

// ---- the rules of others ------------------------------------------------------------------------

namespace {

// A snapshot of one pool, with the tasks of one function.
struct seen {
  load_snapshot load;
  autoscaler::pool_status status;

  explicit seen(std::uint64_t waiting) {
    if (waiting == 0) return;
    auto& d = load.demand.emplace_back();
    d.function = "[f]";
    d.ready = waiting;
    d.pools = {"here"};
  }
  seen& worker(worker_state state, std::uint32_t running, duration elapsed = {}) {
    auto& w = load.workers.emplace_back();
    w.id = worker_id{static_cast<std::uint32_t>(load.workers.size())};
    w.pool = "here";
    w.state = state;
    w.running = w.window = running;
    ++(state == worker_state::ready ? status.registered : status.draining);
    if (load.running.empty()) load.running.push_back({"[f]", 0, {}, {}});
    load.running[0].count += running;
    load.running[0].elapsed = std::max(load.running[0].elapsed, elapsed);
    return *this;
  }
  std::uint32_t target(scaling_policy& policy) const {
    return policy.decide(simulation::start, load, {status}).at(0).target;
  }
};

}  // namespace

TEST_CASE("Dask expects of every task the mean, else twice the longest time seen, else half a second") {
  const auto cluster = one_pool(0, 100, 4).cluster;
  auto policy = make_dask_policy(cluster, {1s, 1s, 3});
  CHECK(seen(10).target(*policy) == 5);  // threads, because nobody knows how many a worker has
  policy = make_dask_policy(cluster, {20s, 1s, 3});
  auto busy = seen(10).worker(worker_state::ready, 4, 3s);
  CHECK(busy.target(*policy) == 2);  // 14 tasks of 6 s in 20 s are 5 threads
  policy->task_ended("f", 2s);
  CHECK(busy.target(*policy) == 1);  // 14 tasks of 2 s: 2 threads
}

TEST_CASE("Kubernetes' rule counts tasks on leaving workers, and lets them end") {
  auto s = one_pool(0, 20);
  auto policy = make_hpa_policy(s.cluster, {});
  CHECK(seen(0).worker(worker_state::ready, 1).worker(worker_state::draining, 1).target(*policy) == 2);
  s.cluster.pools[0].autoscaler.scale_down.drain_deadline = 10s;
  hpa_settings half;
  half.target = 2;
  const auto o = simulation(s, plan().tasks(0s, 10, 1h).done(), make_hpa_policy(s.cluster, half)).run();
  CHECK(o.tasks.finished == 10);
  CHECK(o.makespan <= 2h + 2min);  // nothing began again
}

}  // namespace troupe::simulator::test
