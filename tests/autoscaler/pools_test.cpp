// Several pools: who serves what, and who steps in.
#include "autoscaler/policy.hpp"
#include "tests/autoscaler/world.hpp"
#include "tests/support/catch.hpp"

namespace troupe::autoscaler::test {

TEST_CASE("the pool of higher priority is filled first, the rest goes on in the same decision") {
  world w;
  w.pool("a", 0, 3);
  w.pool("b", 0, 10).priority = 5;
  w.pool("c", 0, 10);
  w.tasks(14, 10s);
  auto d = w.decide();
  CHECK(d.pool("b")->launch == 10);
  CHECK(d.pool("a")->launch == 3);
  CHECK(d.pool("c")->launch == 1);
}

TEST_CASE("among equals the pool that costs less for what the work uses is filled first") {
  world w;
  w.pool("large", 0, 10, {{"cpus", 8}}).cost_per_hour = 4;  // 0.5 a slot
  w.pool("small", 0, 10, {{"cpus", 1}}).cost_per_hour = 1;
  w.tasks(16, 10s);
  auto d = w.decide();
  CHECK(d.pool("large")->launch == 2);
  CHECK(d.pool("small")->launch == 0);
}

TEST_CASE("among equals of the same cost the one with the least waste") {
  world w;
  w.pool("fat", 0, 10, {{"cpus", 1}, {"memory", 64}});
  w.pool("slim", 0, 10, {{"cpus", 1}, {"memory", 2}});
  w.tasks(2, 10s, {{"cpus", 1}, {"memory", 2}});
  auto d = w.decide();
  CHECK(d.pool("slim")->launch == 2);
  CHECK(d.pool("fat")->launch == 0);
}

TEST_CASE("work of one shape never wakes the pool of the other") {
  world w;
  w.pool("plain", 0, 10, {{"cpus", 4}});
  w.pool("gpu", 0, 10, {{"cpus", 4}, {"GPU", 1}});
  SECTION("plain work leaves accelerators alone, even when its own pool is full") {
    w.tasks(1000, 10s);
    auto d = w.decide();
    CHECK(d.pool("plain")->launch == 10);
    CHECK(d.pool("gpu")->launch == 0);
    REQUIRE(d.unplaced.size() == 1);
    CHECK(d.unplaced[0].reason == "at the maximum: \"plain\"");
  }
  SECTION("accelerator work wakes only its own") {
    w.tasks(3, 10s, {{"cpus", 1}, {"GPU", 1}});
    auto d = w.decide();
    CHECK(d.pool("plain")->launch == 0);
    CHECK(d.pool("gpu")->launch == 3);
  }
  SECTION("plain work that names the pool gets it") {
    w.tasks(4, 10s, {{"cpus", 1}}, "gpu");
    CHECK(w.decide().pool("gpu")->launch == 1);
  }
  SECTION("plain work uses accelerator workers that are there when its own pool is full") {
    w.s.pools[0].max = 0;
    w.worker("gpu");
    w.tasks(4, 10s);
    auto d = w.decide();
    CHECK_FALSE(d.acts());
    CHECK(d.pool("gpu")->wanted == 1);
  }
}

TEST_CASE("where every pool has accelerators, plain work may use them") {
  world w;
  w.pool("gpu", 0, 10, {{"cpus", 4}, {"GPU", 1}});
  w.tasks(4, 10s);
  CHECK(w.decide("gpu").launch == 1);
}

TEST_CASE("mixed shapes share workers: plain tasks fill the cpus beside an accelerator") {
  world w;
  w.pool("gpu", 0, 10, {{"cpus", 4}, {"GPU", 1}});
  w.tasks(2, 10s, {{"cpus", 1}, {"GPU", 1}});
  w.tasks(6, 10s);
  CHECK(w.decide("gpu").launch == 2);
}

TEST_CASE("what a backing-off pool can't give the next gives in the same decision") {
  world w;
  w.pool("a", 0, 10).priority = 1;
  w.pool("b", 0, 10);
  w.of("a").backoff = pool_backoff{w.now + 30s, "no capacity", 3};
  w.tasks(4, 10s);
  auto d = w.decide();
  CHECK(d.pool("a")->launch == 0);
  CHECK(d.pool("b")->launch == 4);
  w.now += 31s;
  d = w.decide();
  CHECK(d.pool("a")->launch == 4);
}

TEST_CASE("a pool that is being probed gets one launch, the next pool the rest") {
  world w;
  w.pool("a", 0, 10).priority = 1;
  w.pool("b", 0, 10);
  w.of("a").probing = true;
  w.tasks(4, 10s);
  auto d = w.decide();
  CHECK(d.pool("a")->launch == 1);
  CHECK(d.pool("b")->launch == 3);
  w.of("a").requested = 1;
  d = w.decide();
  CHECK(d.pool("a")->launch == 0);
  CHECK(d.pool("b")->launch == 3);
}

TEST_CASE("with nobody to step in, the target of a backing-off pool stands for later") {
  world w;
  w.pool("a", 0, 10);
  w.of("a").backoff = pool_backoff{w.now + 30s, "exited with status 3: no such module", 3};
  w.tasks(4, 10s);
  auto d = w.decide("a");
  CHECK(d.launch == 0);
  CHECK(d.target == 4);
  CHECK(d.cause == cause::backing_off);
  CHECK(d.reason.find("no such module") != std::string::npos);
}

TEST_CASE("workers of the second pool that are there come before new ones of the first") {
  world w;
  w.pool("a", 0, 10).priority = 1;
  w.pool("b", 0, 10);
  for (int i = 0; i < 4; ++i) w.worker("b");
  w.tasks(4, 10s);
  CHECK_FALSE(w.decide().acts());
}

TEST_CASE("work that only one pool can run is placed before work that can go anywhere") {
  world w;
  w.pool("a", 0, 2, {{"cpus", 1}, {"licence", 1}});
  w.pool("b", 0, 2, {{"cpus", 1}});
  w.tasks(4, 10s);
  w.tasks(2, 10s, {{"cpus", 1}, {"licence", 1}});
  auto d = w.decide();
  CHECK(d.pool("a")->launch == 2);
  CHECK(d.pool("b")->launch == 2);
}

TEST_CASE("three quarters of a worker each: two such tasks are two workers") {
  world w;
  w.pool("a", 0, 10, {{"cpus", 4}});
  w.tasks(2, 10s, {{"cpus", 3}});
  w.tasks(2, 10s, {{"cpus", 1}});
  CHECK(w.decide("a").launch == 2);
}

// Eight slots' worth of accelerators among many slots: what is full is not the slots.
TEST_CASE("a worker whose accelerators are all taken has no room, however many slots it has") {
  world w;
  w.pool("gpus", 0, 10, {{"cpus", 96}, {"GPU", 8}});
  auto& worker = w.worker("gpus", 0s, 8);
  worker.remaining = duration{1h} * 8 / 96;
  worker.free = resource_set{{"cpus", 88}};
  w.run("f", 8, 0s, 1h);
  w.tasks(4, 1h, {{"cpus", 1}, {"GPU", 1}});
  CHECK(w.decide("gpus").launch == 1);
}

}  // namespace troupe::autoscaler::test
