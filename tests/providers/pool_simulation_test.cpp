// A pool through random histories, each from a seed: targets that jump, lost, late and doubled
// answers, instances that never boot or die, workers that are lost, drained, taken back.
#include <random>

#include "tests/providers/pool_rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::providers::test {

namespace {

struct story {
  explicit story(std::uint64_t seed) : rng(seed) {}

  double chance(double most) { return std::uniform_real_distribution<double>{0, most}(rng); }
  std::uint32_t pick(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>{0, below - 1}(rng);
  }

  fake_settings provider() {
    fake_settings f;
    f.seed = rng();
    f.call_delay_max = std::chrono::milliseconds{pick(3000)};
    f.boot_min = 100ms;
    f.boot_max = 8s;
    f.stop_delay = std::chrono::milliseconds{pick(4000)};
    f.tells_ends = pick(2) == 0;
    f.lifetime = 2min;
    f.faults.launch_fails = chance(0.2);
    f.faults.reply_lost = chance(0.2);
    f.faults.never_answers = chance(0.1);
    f.faults.duplicate_reply = chance(0.3);
    f.faults.list_fails = chance(0.3);
    f.faults.terminate_fails = chance(0.3);
    f.faults.never_boots = chance(0.1);
    f.faults.dies_booting = chance(0.1);
    f.faults.dies_later = chance(0.3);
    return f;
  }

  void one_step(pool_rig& r) {
    const auto workers = r.workers();
    switch (pick(8)) {
      case 0:
      case 1:
        r.target(pick(*r.max + 3));
        break;
      case 2:
      case 3: {
        auto status = r.status();
        auto n = std::min<std::uint32_t>(pick(3) + 1, static_cast<std::uint32_t>(workers.size()));
        r.target(status.registered - n, {workers.begin(), workers.begin() + n});
        break;
      }
      case 4: {
        auto status = r.status();
        r.target(status.target + pick(3), {}, status.takeable);
        break;
      }
      case 5:
        if (!workers.empty())
          r.send(event::worker_lost{workers[pick(static_cast<std::uint32_t>(workers.size()))],
                                    "lost", pick(2) == 0});
        break;
      case 6:
        if (!workers.empty())
          r.fake.kill(r.instance_of(workers[pick(static_cast<std::uint32_t>(workers.size()))]));
        break;
      case 7:
        break;
    }
    for (auto w : std::set(r.draining))
      if (pick(3) == 0) {
        r.draining.erase(w);
        r.send(event::drain_complete{w});
      }
    r.run(std::chrono::milliseconds{pick(4000) + 1});
  }

  std::mt19937_64 rng;
};

pool_core_settings quick() {
  pool_core_settings s;
  s.boot_deadline = 20s;
  s.drain_deadline = 1min;
  s.list_interval = 5s;
  s.launch.backoff_max = 30s;
  return s;
}

}  // namespace

TEST_CASE("whatever happens, a pool stays below its maximum, converges and leaks nothing") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    story s(seed);
    auto settings = quick();
    settings.seed = seed;
    pool_rig r(settings, s.provider());
    r.max = 1 + s.pick(12);
    r.start();
    for (int i = 0; i < 150; ++i) s.one_step(r);

    r.fake.settings().faults = {};
    const auto goal = s.pick(*r.max + 1);
    auto workers = r.workers();
    r.target(goal, workers);
    for (auto w : std::set(r.draining)) r.send(event::drain_complete{w});
    r.run(15min);  // instances that were going to die have died, waits are over
    CHECK(r.status().launching() == 0);
    CHECK(r.status().draining == 0);
    CHECK(r.status().terminating == 0);
    CHECK(r.registered() == goal);
    CHECK(r.fake.alive() == goal);
    CHECK(r.ledger.size() == goal);

    r.send(event::shut_down{false});
    r.run(2min);
    CHECK(r.all_gone);
    CHECK(r.fake.alive() == 0);
    CHECK(r.ledger.empty());
  }
}

TEST_CASE("a restart in the middle of anything leaves nothing behind") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    story s(seed * 7919);
    const auto f = s.provider();
    std::vector<instance> left;
    std::vector<request_id> open;
    {
      pool_rig r(quick(), f);
      r.max = 8;
      r.start();
      for (int i = 0; i < 30; ++i) s.one_step(r);
      left = r.fake.instances();
      open.assign(r.ledger.begin(), r.ledger.end());
      for (const auto& i : left)
        if (!r.terminated.count(i.id)) CHECK(r.ledger.count(i.request) == 1);
    }
    auto settings = quick();
    settings.epoch = epoch_id{8};
    pool_rig next(settings, {}, open);
    for (const auto& i : left) next.fake.plant(i.pool, i.request);
    next.start();
    next.target(2);
    next.run(1min);
    CHECK(next.registered() == 2);
    CHECK(next.fake.alive() == 2);
    CHECK(next.ledger.size() == 2);
  }
}

TEST_CASE("the same seed gives the same history") {
  auto tell = [] {
    story s(42);
    pool_rig r(quick(), s.provider());
    r.max = 6;
    r.start();
    for (int i = 0; i < 100; ++i) s.one_step(r);
    return r.reports;
  };
  CHECK(tell() == tell());
}

}  // namespace troupe::providers::test
