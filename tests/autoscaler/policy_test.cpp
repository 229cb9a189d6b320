// The policy, decision by decision.
#include "autoscaler/policy.hpp"

#include "tests/autoscaler/world.hpp"
#include "tests/support/catch.hpp"

namespace troupe::autoscaler::test {

TEST_CASE("from zero, the expected work over the target duration gives the size") {
  world w;
  w.pool("here", 0, 100);
  w.tasks(400, 50ms);  // 20 s of work for a target of 1 s
  auto d = w.decide("here");
  CHECK(d.wanted == 20);
  CHECK(d.launch == 20);
  CHECK(d.target == 20);
  CHECK(d.direction == direction::up);
  CHECK(d.cause == cause::demand);
}

TEST_CASE("slots divide the work") {
  world w;
  w.pool("here", 0, 100, {{"cpus", 4}});
  w.tasks(400, 50ms);
  CHECK(w.decide("here").launch == 5);
}

TEST_CASE("one short task wakes one worker") {
  world w;
  w.pool("here", 0, 100, {{"cpus", 4}});
  w.tasks(1, 1ms);
  CHECK(w.decide("here").launch == 1);
}

TEST_CASE("never more workers than tasks need slots, however long they take") {
  world w;
  w.pool("here", 0, std::nullopt, {{"cpus", 4}});
  w.tasks(10, 1h);
  CHECK(w.decide("here").launch == 3);
}

TEST_CASE("the maximum holds, and says so") {
  world w;
  w.pool("here", 0, 4);
  w.tasks(400, 50ms);
  CHECK(w.decide("here").launch == 4);
  w.busy_workers("here", 4, 50ms);
  auto d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.cause == cause::maximum);
  CHECK(d.reason.find("the maximum is 4") != std::string::npos);
}

TEST_CASE("requested and booting capacity counts: waiting for it asks for no more") {
  world w;
  w.pool("here", 0, 100);
  w.tasks(400, 50ms);
  w.of("here").requested = 12;
  w.of("here").booting = 8;
  auto d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.target == 20);
}

TEST_CASE("a worker that the scheduler has not seen yet counts") {
  world w;
  w.pool("here", 0, 100);
  w.tasks(1, 10s);
  w.of("here").registered = 1;
  CHECK_FALSE(w.decide("here").acts());
}

TEST_CASE("running tasks keep their slots: a long one more needs a worker more") {
  world w;
  w.pool("here", 0, 10);
  w.busy_workers("here", 3, 10min);
  w.tasks(1, 10min);
  CHECK(w.decide("here").launch == 1);
}

TEST_CASE("a task that waits behind long ones gets a worker, whatever the tolerance") {
  world w;
  w.pool("here", 0, 100).scaling.tolerance = 0.5;
  w.busy_workers("here", 40, 10min);
  w.tasks(1, 10min);
  w.decide();
  w.now += 1s;
  CHECK(w.decide("here").launch == 1);
}

TEST_CASE("a shortage of up to twice the tolerance must last for the target duration, a few seconds at most") {
  for (duration target : {1s, 3s, 60s}) {
    world w;
    auto& scaling = w.pool("here", 0, 100).scaling;
    scaling.tolerance = 0.1;
    scaling.target_duration = target;
    w.busy_workers("here", 19, 10min);
    w.tasks(4, 10min);
    for (auto waited = 0s; waited < std::min<duration>(target, 5s); waited += 1s) {
      auto d = w.decide("here");
      CHECK(d.launch == 0);
      CHECK(d.cause == cause::stabilizing);
      w.now += 1s;
    }
    CHECK(w.decide("here").launch == 4);
  }
}

TEST_CASE("a shortage beyond that, of a small pool, or of the minimum, is met at once") {
  world w;
  w.pool("here", 0, 100).scaling.tolerance = 0.1;
  w.busy_workers("here", 19, 10min);
  w.tasks(5, 10min);
  CHECK(w.decide("here").launch == 5);
  world small;
  small.pool("here", 0, 100).scaling.tolerance = 0.1;
  small.busy_workers("here", 9, 10min);
  small.tasks(1, 10min);
  CHECK(small.decide("here").launch == 1);
  world least;
  least.pool("here", 20, 100).scaling.tolerance = 0.1;
  least.busy_workers("here", 19, 10min);
  CHECK(least.decide("here").launch == 1);
}

TEST_CASE("a small shortage that comes and goes launches nothing") {
  world w;
  w.pool("here", 0, 100).scaling.tolerance = 0.1;
  w.busy_workers("here", 20, 10min);
  for (int i = 0; i < 50; ++i) {
    w.load.demand.clear();
    if (i % 2 == 0) w.tasks(1, 10min);
    CHECK(w.decide("here").launch == 0);
    w.now += 900ms;
  }
}

TEST_CASE("a small excess of short work is within the tolerance") {
  world w;
  w.pool("here", 0, 100).scaling.tolerance = 0.1;
  for (int i = 0; i < 20; ++i) w.worker("here");
  w.tasks(418, 50ms);  // 20.9 workers' worth
  auto d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.cause == cause::tolerance);
  w.load.demand[0].ready = 460;
  w.decide();
  w.now += 1s;
  CHECK(w.decide("here").launch == 3);
}

TEST_CASE("a small surplus stays within the tolerance while there is work, and goes with it") {
  world w;
  w.pool("here", 2, 100);
  w.busy_workers("here", 28, 10s);
  w.worker("here", 1h);
  w.worker("here", 1h);
  auto d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.cause == cause::tolerance);
  CHECK(d.reason.find("within the tolerance") != std::string::npos);
  w.worker("here", 1h);
  w.worker("here", 1h);
  CHECK(w.decide("here").drain.size() == 4);
}

TEST_CASE("down to the minimum a pool goes exactly, whatever the tolerance") {
  world w;
  w.pool("here", 20, 100).scaling.tolerance = 0.5;
  for (int i = 0; i < 21; ++i) w.worker("here", 1h);
  CHECK(w.decide("here").drain.size() == 1);
}

TEST_CASE("a task that will find a free slot within the target duration needs no worker") {
  world w;
  w.pool("here", 0, 10);
  w.busy_workers("here", 4, 500ms);
  w.tasks(2, 1h);
  CHECK_FALSE(w.decide().acts());
  w.load.demand[0].ready = 3;  // 4 × 0.5 + 3 × 1 is more than 4
  CHECK(w.decide("here").launch == 1);
}

TEST_CASE("short work counts by its sum, not by its pieces") {
  world w;
  w.pool("here", 0, 10);
  w.tasks(5, 600ms);  // 3 s of work
  CHECK(w.decide("here").launch == 3);
}

TEST_CASE("work that no pool can run launches nothing and is named") {
  world w;
  w.pool("here", 0, 10);
  w.tasks(5, 1s, {{"cpus", 1}, {"GPU", 1}});
  auto d = w.decide();
  CHECK_FALSE(d.acts());
  REQUIRE(d.unplaced.size() == 1);
  CHECK(d.unplaced[0].tasks == 5);
  CHECK(d.reason.find("no pool can run it") != std::string::npos);
}

TEST_CASE("min is restored after losses, even while growth is paused or rate limited") {
  world w;
  auto& p = w.pool("here", 3, 10);
  p.scaling.scale_up.max_step = 1;
  w.worker("here");
  auto d = w.decide("here");
  CHECK(d.launch == 2);
  CHECK(d.cause == cause::minimum);
  p.control.pause_up = true;
  CHECK(w.decide("here").target == 3);
}

TEST_CASE("a fixed pool has its size, whatever the demand") {
  world w;
  w.pool("here", 2, 2);
  CHECK(w.decide("here").launch == 2);
  w.worker("here", 1h);
  w.worker("here", 1h);
  CHECK_FALSE(w.decide("here").acts());
  w.tasks(1000, 10s);
  CHECK_FALSE(w.decide("here").acts());
}

TEST_CASE("idle workers go after the idle timeout, those idle longest first") {
  world w;
  w.pool("here", 1, 10).scaling.scale_down.idle_timeout = 30s;
  w.worker("here", 31s);
  auto longest = w.worker("here", 50s).id;
  w.worker("here", 29s);
  auto d = w.decide("here");
  CHECK(d.drain == std::vector{longest, worker_id{1}});
  CHECK(d.target == 1);
  CHECK(d.cause == cause::idle);
}

TEST_CASE("before the idle timeout nobody goes") {
  world w;
  w.pool("here", 0, 10).scaling.scale_down.idle_timeout = 30s;
  w.worker("here", 29s);
  auto d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.target == 1);
  CHECK(d.cause == cause::waiting_idle);
}

TEST_CASE("busy workers are never drained for lack of demand") {
  world w;
  w.pool("here", 0, 10);
  w.busy_workers("here", 5, 1ms);
  auto d = w.decide("here");
  CHECK(d.drain.empty());
  w.worker("here", 1h);
  CHECK(w.decide("here").drain == std::vector{worker_id{6}});
}

TEST_CASE("an idle worker that waiting work needs stays") {
  world w;
  w.pool("here", 0, 10);
  w.worker("here", 1h);
  w.worker("here", 1h);
  w.tasks(2, 1h);
  CHECK_FALSE(w.decide("here").acts());
}

TEST_CASE("what was wanted within the idle timeout is still wanted") {
  world w;
  w.pool("here", 0, 10).scaling.scale_down.idle_timeout = 30s;
  w.tasks(4, 10s);
  CHECK(w.decide("here").launch == 4);
  w.load.demand.clear();
  w.of("here").booting = 4;
  w.now += 20s;
  CHECK_FALSE(w.decide("here").acts());
  w.now += 20s;
  auto d = w.decide("here");
  CHECK(d.cancel == 4);
  CHECK(d.cause == cause::surplus);
}

TEST_CASE("a pending launch is cancelled before a live worker is drained") {
  world w;
  w.pool("here", 1, 10);
  w.worker("here", 1h);
  w.worker("here", 1h);
  w.of("here").booting = 1;
  auto d = w.decide("here");
  CHECK(d.cancel == 1);
  CHECK(d.drain.size() == 1);
  CHECK(d.target == 1);
}

TEST_CASE("a draining worker is taken back before a new one is launched") {
  world w;
  w.pool("here", 0, 10);
  w.of("here").draining = 2;
  w.of("here").takeable = {worker_id{8}, worker_id{9}};
  w.tasks(3, 10s);
  auto d = w.decide("here");
  CHECK(d.take_back.size() == 2);
  CHECK(d.launch == 1);
  CHECK(d.target == 3);
}

TEST_CASE("draining workers count against the maximum") {
  world w;
  w.pool("here", 0, 4);
  w.of("here").draining = 3;  // none of them can be taken back
  w.tasks(10, 10s);
  CHECK(w.decide("here").launch == 1);
}

TEST_CASE("max_step bounds one decision") {
  world w;
  w.pool("here", 0, 100).scaling.scale_up.max_step = 5;
  w.tasks(400, 50ms);
  auto d = w.decide("here");
  CHECK(d.launch == 5);
  CHECK(d.reason.find("rate limit") != std::string::npos);
}

TEST_CASE("a rate policy bounds the workers added in any period") {
  world w;
  w.pool("here", 0, 100).scaling.scale_up.policies = {{rate_unit::workers, 4, 10s}};
  w.tasks(1000, 1s);
  CHECK(w.decide("here").target == 4);
  w.of("here").booting = 4;
  w.now += 5s;
  CHECK(w.decide("here").target == 4);
  w.now += 6s;
  CHECK(w.decide("here").target == 8);
}

TEST_CASE("repeating a decision before it was carried out uses up no rate") {
  world w;
  w.pool("here", 0, 100).scaling.scale_up.policies = {{rate_unit::workers, 4, 10s}};
  w.tasks(1000, 1s);
  for (int i = 0; i < 5; ++i) CHECK(w.decide("here").target == 4);
}

TEST_CASE("replacing lost workers is not growth") {
  world w;
  w.pool("here", 0, 100).scaling.scale_up.policies = {{rate_unit::workers, 4, 10s}};
  w.tasks(1000, 1s);
  w.decide();
  w.of("here").registered = 1;  // of 4
  CHECK(w.decide("here").target == 4);
}

TEST_CASE("with percent policies a pool still leaves zero") {
  world w;
  w.pool("here", 0, 100).scaling.scale_up.policies = {{rate_unit::percent, 100, 10s}};
  w.tasks(1000, 1s);
  CHECK(w.decide("here").target == 1);
}

TEST_CASE("the lowest recommendation of the up window wins") {
  world w;
  w.pool("here", 0, 100).scaling.scale_up.stabilization = 10s;
  CHECK_FALSE(w.decide("here").acts());
  w.tasks(10, 10s);
  w.now += 5s;
  auto d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.cause == cause::stabilizing);
  w.now += 6s;
  CHECK(w.decide("here").launch == 10);
}

TEST_CASE("the highest recommendation of the down window wins") {
  world w;
  auto& scaling = w.pool("here", 0, 100).scaling;
  scaling.scale_down.idle_timeout = 0s;
  scaling.scale_down.stabilization = 60s;
  w.tasks(4, 10s);
  w.decide();
  w.load.demand.clear();
  for (int i = 0; i < 4; ++i) w.worker("here", 10s);
  w.now += 30s;
  CHECK_FALSE(w.decide("here").acts());
  w.now += 31s;
  CHECK(w.decide("here").drain.size() == 4);
}

TEST_CASE("a size set by hand wins over the demand and over the idle timeout") {
  world w;
  w.pool("here", 0, 10).control.size = 2;
  w.tasks(100, 10s);
  auto d = w.decide("here");
  CHECK(d.launch == 2);
  CHECK(d.cause == cause::manual);
  w.busy_workers("here", 3, 10s);
  auto idle = w.worker("here", 1s).id;
  d = w.decide("here");
  CHECK(d.drain == std::vector{idle, worker_id{1}});
}

TEST_CASE("paused, a pool neither grows nor shrinks") {
  world w;
  auto& p = w.pool("here", 0, 10);
  p.control.pause_up = p.control.pause_down = true;
  w.tasks(10, 10s);
  auto d = w.decide("here");
  CHECK_FALSE(d.acts());
  CHECK(d.cause == cause::paused);
  w.load.demand.clear();
  w.worker("here", 1h);
  CHECK_FALSE(w.decide("here").acts());
}

TEST_CASE("a pool whose scaling is off keeps the size it has been given") {
  world w;
  w.pool("here", 0, 10).scaling.enabled = false;
  w.of("here").target = 2;
  w.tasks(100, 10s);
  CHECK(w.decide("here").target == 2);
}

TEST_CASE("a cordoned or disconnected worker is capacity that exists but takes no work") {
  world w;
  w.pool("here", 0, 2);
  w.worker("here").state = worker_state::cordoned;
  w.tasks(5, 10s);
  auto d = w.decide("here");
  CHECK(d.launch == 1);
  CHECK(d.target == 2);
}

TEST_CASE("repeated decisions without change leave one record and a periodic sample") {
  world w;
  w.pool("here", 0, 4);
  for (int i = 0; i < 100; ++i) {
    w.decide();
    w.now += 1s;
  }
  CHECK(w.past.count() == 100);
  CHECK(w.past.decisions().size() == 10);
}

TEST_CASE("history keeps the last decisions only") {
  world w;
  w.pool("here", 0, 4);
  w.s.history = 7;
  w.s.sample_interval = 0s;
  for (int i = 0; i < 100; ++i) w.decide();
  REQUIRE(w.past.decisions().size() == 7);
  CHECK(w.past.decisions().back().number == 100);
}

TEST_CASE("worker-seconds add up between decisions") {
  world w;
  w.pool("here", 0, 4);
  w.worker("here");
  w.worker("here");
  w.decide();
  w.now += 30s;
  CHECK(w.decide("here").worker_seconds == Approx(60));
  CHECK(w.past.worker_seconds() == Approx(60));
}

TEST_CASE("with one pool and one shape, more demand never wants fewer workers") {
  for (duration each : {1ms, 50ms, 400ms, 999ms, 1000ms, 7000ms}) {
    std::uint32_t before = 0;
    for (std::uint64_t n = 0; n < 300; ++n) {
      world w;
      w.pool("here", 0, std::nullopt, {{"cpus", 3}}).scaling.tolerance = 0.1;
      w.busy_workers("here", 4, 200ms);
      if (n > 0) w.tasks(n, each);
      auto d = w.decide("here");
      CHECK(d.target >= before);
      CHECK(d.target <= 4 + n);
      before = d.target;
    }
  }
}

}  // namespace troupe::autoscaler::test
