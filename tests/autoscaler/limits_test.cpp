// What holds growth and shrinking back: totals, budget, bursts, cooldown.
#include <random>

#include "tests/autoscaler/world.hpp"
#include "tests/support/catch.hpp"

namespace troupe::autoscaler::test {

TEST_CASE("all pools together never have more than max_workers, those that leave counted") {
  world w;
  w.s.max_workers = 10;
  w.pool("a", 0, 100).priority = 1;
  w.pool("b", 0, 100);
  w.of("b").draining = 2;
  w.tasks(50, 10s);
  auto d = w.decide();
  CHECK(d.pool("a")->launch == 8);
  CHECK(d.pool("b")->launch == 0);
  CHECK(d.pool("a")->target == 8);
  REQUIRE(d.unplaced.size() == 1);
  CHECK(d.unplaced[0].reason == "at the maximum of all pools together");
  w.of("a").booting = 8;
  w.now += 1s;
  d = w.decide();
  CHECK_FALSE(d.acts());
  CHECK(d.pool("a")->cause == cause::total);
}

TEST_CASE("a pool that backs off has no target beyond what all pools may have") {
  world w;
  w.s.max_workers = 10;
  w.pool("a", 0, 100).priority = 1;
  w.pool("b", 0, 100);
  w.of("a").backoff = pool_backoff{w.now + 30s, "no capacity", 3};
  w.tasks(50, 10s);
  auto d = w.decide();
  // Its manager would launch up to its target as soon as the backoff ends.
  CHECK(d.pool("a")->target == 0);
  CHECK(d.pool("b")->target == 10);
}

TEST_CASE("places for minimums are set aside before another pool's work gets them") {
  world w;
  w.s.max_workers = 10;
  w.pool("a", 0, 100).priority = 1;
  w.pool("b", 4, 100);
  w.tasks(50, 10s);
  auto d = w.decide();
  CHECK(d.pool("a")->launch == 6);
  CHECK(d.pool("b")->launch == 4);
}

TEST_CASE("a max_workers below what there is drains the pools that are filled last") {
  world w;
  w.pool("a", 0, 100).priority = 1;
  w.pool("b", 2, 100);
  w.busy_workers("a", 5, 10s);
  w.busy_workers("b", 5, 10s);
  w.s.max_workers = 7;
  auto d = w.decide();
  CHECK_FALSE(d.pool("a")->acts());
  CHECK(d.pool("b")->drain.size() == 3);
  CHECK(d.pool("b")->cause == cause::total);
}

TEST_CASE("a max_workers below what there is takes what is beyond minimums first, of whichever pool") {
  world w;
  w.pool("a", 0, 100).priority = 1;
  w.pool("b", 2, 100);
  w.busy_workers("a", 5, 10s);
  w.busy_workers("b", 5, 10s);
  w.s.max_workers = 6;
  auto d = w.decide();
  CHECK(d.pool("a")->drain.size() == 1);
  CHECK(d.pool("b")->drain.size() == 3);
  w.s.max_workers = 1;
  d = w.decide();
  CHECK(d.pool("a")->drain.size() == 5);
  CHECK(d.pool("b")->drain.size() == 4);
}

TEST_CASE("an idle worker that is only tolerated makes room for another pool's work") {
  world w;
  w.s.max_workers = 20;
  w.pool("a", 0, 100, {{"cpus", 1}, {"GPU", 1}});
  w.pool("b", 0, 100).scaling.tolerance = 0.1;
  w.busy_workers("b", 19, 1h);
  w.worker("b", 1h);
  w.s.pools[0].priority = -1;
  w.tasks(1, 10s, {{"GPU", 1}});
  CHECK(w.decide("b").drain.size() == 1);
}

TEST_CASE("instances that are being terminated still cost") {
  world w;
  w.s.budget.per_hour = 10;
  w.pool("here", 0, 100).cost_per_hour = 1;
  w.of("here").terminating = 4;
  w.tasks(50, 10s);
  CHECK(w.decide("here").launch == 6);
}

TEST_CASE("once the money is spent, no limit on shrinking keeps workers") {
  world w;
  w.s.budget.total = 1;
  auto& pool = w.pool("cloud", 2, 100);
  pool.cost_per_hour = 3600;
  pool.scaling.scale_down.select = rate_selection::disabled;
  w.busy_workers("cloud", 2, 10s);
  w.decide();
  w.now += 3s;
  w.decide();
  CHECK(w.decide("cloud").drain.size() == 2);
}

TEST_CASE("the budget an hour limits what is launched, by each pool's cost") {
  world w;
  w.s.budget.per_hour = 10;
  w.pool("cheap", 0, 4).cost_per_hour = 1;
  w.pool("dear", 0, 100).cost_per_hour = 2.5;
  w.tasks(50, 10s);
  auto d = w.decide();
  CHECK(d.pool("cheap")->launch == 4);
  CHECK(d.pool("dear")->launch == 2);  // 4 + 5 of 10
  REQUIRE(d.unplaced.size() == 1);
  CHECK(d.unplaced[0].reason == "the budget is used up");
}

TEST_CASE("a minimum that the budget has no money for says so") {
  world w;
  w.s.budget.per_hour = 2;
  w.pool("here", 0, 8).cost_per_hour = 1;
  w.s.pools[0].control.min = 4;  // set by hand, beyond what the file allows
  w.of("here").booting = 2;
  auto d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.cause == cause::budget);
}

TEST_CASE("what costs nothing is not limited by the budget") {
  world w;
  w.s.budget.per_hour = 0;
  w.pool("own", 0, 8);
  w.pool("cloud", 0, 8).cost_per_hour = 1;
  w.tasks(50, 10s);
  auto d = w.decide();
  CHECK(d.pool("own")->launch == 8);
  CHECK(d.pool("cloud")->launch == 0);
}

TEST_CASE("a budget that decimal fractions fill to the last cent is filled") {
  world w;
  w.s.budget.per_hour = 0.3;
  w.pool("here", 0, 100).cost_per_hour = 0.1;
  w.tasks(50, 10s);
  CHECK(w.decide("here").launch == 3);
  w.of("here").booting = 3;
  CHECK_FALSE(w.decide("here").acts());
}

TEST_CASE("instances cost from their launch until they are gone, and the sum is kept") {
  world w;
  w.pool("here", 0, 100).cost_per_hour = 3600;
  w.of("here").booting = 1;
  w.of("here").draining = 1;
  w.decide();
  w.now += 10s;
  auto d = w.decide();
  CHECK(d.cost == Approx(20));
  CHECK(d.cost_per_hour == Approx(7200));
  CHECK(d.pool("here")->cost == Approx(20));
  w.past.forget_pools_but({});
  CHECK(w.past.cost() == Approx(20));
}

TEST_CASE(
    "once the whole budget is spent, pools that cost something drain, even below their minimum") {
  world w;
  w.s.budget.total = 5;
  w.pool("cloud", 2, 100).cost_per_hour = 3600;
  w.pool("own", 1, 100);
  w.busy_workers("cloud", 2, 10s);
  w.busy_workers("own", 1, 10s);
  w.tasks(50, 10s);
  w.decide();
  w.now += 3s;
  auto d = w.decide();
  CHECK(d.cost == Approx(6));
  w.now += 1ms;
  d = w.decide();
  CHECK(d.pool("cloud")->drain.size() == 2);
  CHECK(d.pool("cloud")->cause == cause::budget);
  CHECK(d.pool("cloud")->launch == 0);
  CHECK(d.pool("own")->launch == 50);
}

TEST_CASE("signals, too, launch only what totals and budget allow") {
  world w;
  w.s.max_workers = 6;
  w.pool("a", 0, 4).priority = 1;
  w.pool("b", 0, 100);
  w.tasks(2, 10s);
  w.signal("messages", 1).type = signal_type::average_value;
  w.read("messages", 50);
  auto d = w.decide();
  CHECK(d.pool("a")->launch == 4);
  CHECK(d.pool("b")->launch == 2);
}

TEST_CASE("up to the initial burst neither steps nor rates limit a pool") {
  world w;
  auto& up = w.pool("here", 0, 100).scaling.scale_up;
  up.policies = {{rate_unit::workers, 2, 10s}};
  up.max_step = 1;
  up.initial_burst = 8;
  w.tasks(1000, 10s);
  auto d = w.decide("here");
  CHECK(d.launch == 8);
  w.of("here").booting = 8;
  w.now += 11s;
  CHECK(w.decide("here").launch == 1);
  up.select = rate_selection::disabled;
  w.of("here").booting = 0;
  w.past = {};
  CHECK(w.decide("here").launch == 0);
}

TEST_CASE("of several rate policies the chosen one counts") {
  world w;
  auto& up = w.pool("here", 0, 100).scaling.scale_up;
  up.policies = {{rate_unit::workers, 4, 60s}, {rate_unit::percent, 100, 60s}};
  for (int i = 0; i < 10; ++i) w.worker("here", 0s, 1);
  w.tasks(1000, 10s);
  up.select = rate_selection::max;
  CHECK(w.decide("here").launch == 10);
  w.past = {};
  up.select = rate_selection::min;
  CHECK(w.decide("here").launch == 4);
}

TEST_CASE("the last worker stays for the cooldown after the pool's last work, and no other does") {
  world w;
  auto& down = w.pool("here", 0, 10).scaling.scale_down;
  down.idle_timeout = 10s;
  down.zero_cooldown = 5min;
  w.busy_workers("here", 3, 10s);
  w.decide();
  for (auto& x : w.load.workers) {
    x.running = x.window = 0;
    x.idle_since = w.now;
  }
  w.now += 11s;
  auto d = w.decide("here");
  CHECK(d.drain.size() == 2);
  w.carry_out(d);
  w.now += 4min;
  d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.cause == cause::cooldown);
  w.now += 1min;
  CHECK(w.decide("here").drain.size() == 1);
}

TEST_CASE("from many seeds: no cap is ever exceeded by what a decision asks for") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 dice(seed);
    auto roll = [&](unsigned n) { return static_cast<std::uint32_t>(dice() % n); };
    world w;
    w.pool("a", roll(3), 5 + roll(20)).cost_per_hour = 1 + roll(3);
    w.pool("b", roll(3), 5 + roll(20)).cost_per_hour = roll(3);
    w.pool("c", 0, std::nullopt, {{"cpus", 2}}).cost_per_hour = 0.3;
    w.s.max_workers = 12 + roll(20);
    w.s.budget.per_hour = 20 + roll(20);
    w.signal("x", 1).type = signal_type::average_value;
    for (int i = 0; i < 200; ++i) {
      w.load.demand.clear();
      w.load.shapes.clear();
      w.tasks(roll(80), std::chrono::milliseconds{1 + roll(5000)});
      w.read("x", roll(40));
      auto d = w.decide();
      std::uint32_t all = 0;
      double cost = 0;
      INFO("seed " << seed << ", step " << i);
      for (const auto& p : d.pools) {
        auto& status = w.of(p.pool);
        const auto& policy = *std::find_if(w.s.pools.begin(), w.s.pools.end(),
                                           [&](auto& x) { return x.name == p.pool; });
        // What its manager would make of it: launch up to the target, keep what drains.
        const auto there = p.target + status.draining;
        all += there;
        cost += there * policy.cost_per_hour;
        if (policy.max) CHECK(there <= *policy.max);
        CHECK(p.target >= std::min(p.min, status.registered + status.launching()));
        status.booting = p.target - std::min(p.target, status.registered);
        if (roll(3) == 0) {  // some register
          for (; status.booting > 0; --status.booting) w.worker(p.pool, 1h);
        }
        for (const auto id : p.drain) {
          std::erase_if(w.load.workers, [&](const auto& x) { return x.id == id; });
          --status.registered;
        }
        if (roll(10) == 0 && status.registered > 0) {  // one dies
          auto at = std::find_if(w.load.workers.begin(), w.load.workers.end(),
                                 [&](auto& x) { return x.pool == p.pool; });
          w.load.workers.erase(at);
          --status.registered;
        }
      }
      CHECK(all <= *w.s.max_workers);
      CHECK(cost <= *w.s.budget.per_hour + 1e-6);
      w.now += 1s;
    }
  }
}

}  // namespace troupe::autoscaler::test
