// Policy, pool core and provider together, over virtual hours.
#include <random>

#include "tests/providers/elastic_rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::providers::test {

TEST_CASE("burst from zero: to the maximum, all done, back to the minimum") {
  fake_settings f;
  f.boot_min = f.boot_max = 300ms;
  elastic_rig r(0, 4, f);
  r.run(5s);
  CHECK(r.pool.registered() == 0);
  r.submit(400, 50ms);
  CHECK(r.run_until([&] { return r.pool.registered() == 4; }, 3s));
  CHECK(r.run_until([&] { return r.finished == 400; }, 20s));
  CHECK(r.run_until([&] { return r.pool.fake.alive() == 0; }, 40s));
  CHECK(r.pool.core.counters().launches == 4);
  CHECK(r.pool.core.counters().failed_starts == 0);
  CHECK(r.turns.size() == 1);
}

TEST_CASE("the minimum stays through idleness and comes back after losses") {
  elastic_rig r(2, 6);
  r.run(10s);
  CHECK(r.pool.registered() == 2);
  r.submit(60, 2s);
  r.run(5min);
  CHECK(r.finished == 60);
  CHECK(r.pool.registered() == 2);
  for (auto w : r.pool.workers()) r.pool.fake.kill(r.pool.instance_of(w));
  r.run(10s);
  CHECK(r.pool.registered() == 2);
}

TEST_CASE("a steady load with noise of a fifth makes no reversals after warm-up") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    INFO("seed " << seed);
    fake_settings f;
    f.boot_min = 2s;
    f.boot_max = 4s;
    f.seed = seed;
    elastic_rig r(0, 50, f);
    r.tick = 100ms;
    std::mt19937_64 rng(seed);
    std::uniform_real_distribution<double> noise(0.8, 1.2);
    double owed = 0;
    auto feed = [&](duration d) {
      for (const auto end = r.now() + d; r.now() < end; r.step()) {
        owed += 8 * noise(rng) * to_seconds(r.tick);  // eight workers' worth
        const int n = static_cast<int>(owed);
        owed -= n;
        for (int i = 0; i < n; ++i) r.submit(1, from_seconds(noise(rng)));
      }
    };
    feed(5min);
    r.turns.clear();
    feed(20min);
    CHECK(r.turns.empty());
    CHECK(r.pool.registered() >= 8);
    CHECK(r.pool.registered() <= 12);
    CHECK(r.queue.size() < 20);
  }
}

TEST_CASE("waiting for slow boots asks for nothing more") {
  fake_settings f;
  f.boot_min = f.boot_max = 50s;
  elastic_rig r(0, 100, f);
  r.submit(20, 500ms);
  r.run(40s);
  CHECK(r.pool.core.counters().launches == 10);
  r.run(20s);
  CHECK(r.finished == 20);
  CHECK(r.pool.core.counters().launches == 10);
}

TEST_CASE("a pause between the phases of a graph costs no workers") {
  elastic_rig r(0, 10);
  for (int phase = 0; phase < 5; ++phase) {
    r.submit(10, 5s);
    CHECK(r.run_until([&] { return r.queue.empty() && r.finished == r.submitted; }, 1min));
    r.run(20s);  // shorter than the idle timeout
  }
  CHECK(r.pool.core.counters().launches == 10);
}

TEST_CASE("tasks longer than they were thought to be get their workers") {
  elastic_rig r(0, 20);
  r.submit(8, 3min);  // taken for half a second until one has ended
  r.run(1min);
  CHECK(r.pool.registered() == 8);
  r.run(10min);
  CHECK(r.finished == 8);
  CHECK(r.pool.fake.alive() == 0);
}

TEST_CASE("a pool whose program always fails is tried ever more rarely and served when mended") {
  fake_settings f;
  f.faults.dies_booting = 1;
  elastic_rig r(0, 10, f);
  r.submit(20, 1s);
  r.run(20min);
  CHECK(r.pool.fake.started() < 40);
  const auto& last = *r.past.last().pool("here");
  CHECK(last.cause == autoscaler::cause::backing_off);
  CHECK(last.reason.find("died while booting") != std::string::npos);
  CHECK(last.target >= 10);
  r.pool.fake.settings().faults = {};
  CHECK(r.run_until([&] { return r.finished == 20; }, 10min));
}

TEST_CASE("a worker killed every second: every task ends, the pool recovers each time") {
  pool_core_settings p;
  p.launch.replacements_per_minute = 100;
  fake_settings f;
  f.boot_min = f.boot_max = 200ms;
  elastic_rig r(0, 4, f, p);
  r.submit(2000, 20ms);
  std::mt19937_64 rng(7);
  while (r.finished < 2000) {
    REQUIRE(r.now() < time_point{2h});
    r.run(1s);
    auto w = r.pool.workers();
    if (!w.empty()) r.pool.fake.kill(r.pool.instance_of(w[rng() % w.size()]));
  }
  CHECK(r.run_until([&] { return r.pool.fake.alive() == 0; }, 2min));
}

TEST_CASE("whatever load and faults: caps hold, everything ends, the pool returns to its minimum") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 rng(seed);
    auto pick = [&](std::uint32_t n) { return static_cast<std::uint32_t>(rng() % n); };
    fake_settings f;
    f.seed = seed;
    f.call_delay_max = std::chrono::milliseconds{pick(2000)};
    f.boot_max = std::chrono::seconds{1 + pick(20)};
    f.stop_delay = std::chrono::milliseconds{pick(3000)};
    f.tells_ends = pick(2) == 0;
    f.faults.launch_fails = 0.1;
    f.faults.reply_lost = 0.1;
    f.faults.duplicate_reply = 0.1;
    f.faults.list_fails = 0.1;
    f.faults.terminate_fails = 0.1;
    f.faults.dies_booting = 0.05;
    f.faults.never_boots = 0.03;
    f.faults.dies_later = 0.1;
    pool_core_settings p;
    p.seed = seed;
    p.boot_deadline = 30s;
    p.launch.backoff_max = 10s;
    const auto min = pick(3);
    elastic_rig r(min, min + 1 + pick(10), f, p);
    r.tick = 100ms;
    for (int burst = 0; burst < 10; ++burst) {
      r.submit(static_cast<int>(pick(60)), std::chrono::milliseconds{20 + pick(8000)});
      r.run(std::chrono::seconds{pick(90)});
    }
    r.pool.fake.settings().faults = {};
    CHECK(r.run_until([&] { return r.finished == r.submitted; }, 1h));
    r.run(8min);
    CHECK(r.pool.registered() == min);
    CHECK(r.pool.fake.alive() == min);
    CHECK(r.pool.ledger.size() == min);
  }
}

TEST_CASE("the record tells what the pool cost") {
  elastic_rig r(1, 1);
  r.run(101s);
  CHECK(r.past.worker_seconds() == Approx(99).margin(2));
  CHECK(r.past.decisions().size() < 20);
}

}  // namespace troupe::providers::test
