// How long idle capacity is kept: learnt from the gaps in demand.
#include "autoscaler/retention.hpp"

#include "tests/autoscaler/world.hpp"
#include "tests/support/catch.hpp"

namespace troupe::autoscaler::test {

namespace {

// Demand for `high` workers that falls to none for `gap`, so many times.
time_point waves(retention& r, time_point now, int n, std::uint32_t high, duration gap) {
  for (int i = 0; i < n; ++i) {
    r.note(now, high, false, 10s);
    r.note(now + 5s, 0, false, 10s);
    now += 5s + gap;
  }
  return now - gap;  // demand has just fallen
}

}  // namespace

TEST_CASE("without a past nothing is kept beyond the idle timeout") {
  retention r;
  r.note(time_point{0s}, 5, false, 10s);
  r.note(time_point{60s}, 0, false, 10s);
  CHECK(r.hold(time_point{61s}, false, 10s, 5min).size == 0);
}

TEST_CASE("what came back after a minute is kept for a minute and a little") {
  retention r;
  const auto fell = waves(r, time_point{0s}, 3, 4, 60s);
  CHECK(r.hold(fell + 60s, false, 10s, 5min).size == 4);
  CHECK(r.hold(fell + 60s, false, 10s, 5min).until == fell + 75s);
  CHECK(r.hold(fell + 76s, false, 10s, 5min).size == 0);
}

TEST_CASE("how the phases of a graph followed each other says nothing of what follows its end") {
  retention r;
  time_point now{0s};
  for (int i = 0; i < 3; ++i) {
    r.note(now, 4, true, 10s);
    r.note(now + 5s, 1, true, 10s);
    now += 65s;
  }
  const auto fell = now - 60s;
  CHECK(r.hold(fell + 60s, true, 10s, 5min).size == 4);
  // The last tasks that waited run now: nobody else will want the others back.
  CHECK(r.hold(fell + 60s, false, 10s, 5min).size == 1);
  r.note(now, 4, false, 10s);
  r.note(now + 5s, 0, false, 10s);
  CHECK(r.hold(now + 16s, false, 10s, 5min).size == 0);
}

TEST_CASE("gaps longer than a restart are not waited for") {
  retention r;
  const auto fell = waves(r, time_point{0s}, 5, 4, 10min);
  CHECK(r.hold(fell + 11s, false, 10s, 5min).size == 0);
}

TEST_CASE("nothing is kept where a start takes no longer than the idle timeout is") {
  retention r;
  const auto fell = waves(r, time_point{0s}, 5, 4, 60s);
  CHECK(r.hold(fell + 1s, false, 30s, 20s).size == 0);
}

TEST_CASE("levels are kept apart: the base stays, the peak goes") {
  retention r;
  time_point now{0s};
  for (int i = 0; i < 6; ++i) {
    r.note(now, i == 0 ? 20 : 5, false, 10s);
    r.note(now + 5s, 2, false, 10s);
    now += 45s;
  }
  CHECK(r.hold(now - 39s, false, 10s, 5min).size == 5);
}

TEST_CASE("the last gaps count, not those of long ago") {
  retention r;
  auto fell = waves(r, time_point{0s}, 8, 1, 60s);
  r.note(fell + 60s, 1, false, 10s);
  r.note(fell + 65s, 0, false, 10s);
  fell = waves(r, fell + 65s + 20min, 8, 1, 20min);
  CHECK(r.hold(fell + 11s, false, 10s, 5min).size == 0);
}

TEST_CASE("a launch's time is that from its first sight to its registration") {
  launch_clock c;
  pool_status s;
  s.requested = 2;
  c.note(time_point{0s}, s);
  CHECK(c.typical() == 0s);
  s.requested = 0;
  s.booting = 2;
  c.note(time_point{10s}, s);
  s.booting = 0;
  s.registered = 2;
  c.note(time_point{40s}, s);
  CHECK(c.typical() == 40s);
  s.requested = 1;
  c.note(time_point{50s}, s);
  s.requested = 0;
  s.terminating = 1;
  c.note(time_point{60s}, s);  // called off: nothing is learnt
  CHECK(c.typical() == 40s);
  s.terminating = 0;
  c.note(time_point{70s}, s);
  CHECK(c.typical() == 40s);
}

TEST_CASE("a restart is worth more the shorter the target duration, within bounds") {
  CHECK(price_of_restart(0s, 1s) == 0s);
  CHECK(price_of_restart(30s, 60s) == 60s);
  CHECK(price_of_restart(30s, 30s) > price_of_restart(30s, 60s));
  CHECK(price_of_restart(30s, 1ms) == 20min);
}

// Workers that boot for a minute, and work that pauses for half of one.
TEST_CASE("idle workers outlast the idle timeout where they were missed soon after it") {
  world w;
  auto& policy = w.pool("here", 0, 10);
  policy.scaling.scale_down.idle_timeout = 10s;
  policy.scaling.target_duration = 10s;
  auto decide_for = [&](duration d) {
    std::size_t drains = 0;
    for (const auto end = w.now + d; w.now < end; w.now += 1s) drains += w.decide("here").drain.size();
    return drains;
  };
  w.tasks(1, 1min);
  w.of("here").requested = 1;
  decide_for(60s);
  w.of("here").requested = 0;
  auto& worker = w.worker("here", 0s, 1);
  worker.remaining = 1min;
  w.load.demand.clear();
  auto pause = [&](duration d) {
    w.load.workers[0].running = w.load.workers[0].window = 0;
    w.load.workers[0].idle_since = w.now;
    return decide_for(d);
  };
  auto work = [&] {
    w.load.workers[0].running = w.load.workers[0].window = 1;
    decide_for(20s);
  };
  work();
  CHECK(pause(30s) > 0);  // it would have gone
  work();                 // … and is wanted again
  CHECK(pause(30s) == 0);
  CHECK(w.past.last().pool("here")->kept_until > w.now);
  CHECK(pause(10min) > 0);
}

}  // namespace troupe::autoscaler::test
