// Signals that are there: from numbers to workers.
#include <cmath>

#include "tests/autoscaler/world.hpp"
#include "tests/support/catch.hpp"

namespace troupe::autoscaler::test {

TEST_CASE("a value asks for workers in proportion to those that serve") {
  world w;
  w.pool("here", 0, 100);
  for (int i = 0; i < 4; ++i) w.worker("here");
  w.signal("latency", 2);
  w.read("latency", 5);
  auto d = w.decide("here");
  CHECK(d.wanted == 10);
  CHECK(d.launch == 6);
  CHECK(d.cause == cause::signal);
  CHECK(d.reason.find("for signal \"latency\"") != std::string::npos);
}

TEST_CASE("an average value asks for a worker for each target of it") {
  world w;
  w.pool("here", 0, 100);
  w.signal("messages", 30).type = signal_type::average_value;
  w.read("messages", 100);
  CHECK(w.decide("here").launch == 4);
}

TEST_CASE("the queue and every signal are combined by maximum, not by sum") {
  world w;
  w.pool("here", 0, 100);
  w.tasks(5, 10s);
  w.signal("a", 1).type = signal_type::average_value;
  w.signal("b", 1).type = signal_type::average_value;
  w.read("a", 3);
  w.read("b", 8);
  auto d = w.decide("here");
  CHECK(d.queue == 5);
  CHECK(d.launch == 8);
  w.now += 1s;
  w.read("b", 2);
  CHECK(w.decide("here").wanted == 5);
}

TEST_CASE("at or below its activation a signal asks for none, above it for one at least") {
  world w;
  w.pool("here", 0, 100);
  auto& s = w.signal("messages", 1000);
  s.activation = 5;
  w.read("messages", 5);
  CHECK_FALSE(w.decide("here").acts());
  w.now += 1s;
  w.read("messages", 6);
  CHECK(w.decide("here").launch == 1);
}

TEST_CASE("a signal wakes a pool from zero with one worker, for nobody serves to be multiplied") {
  world w;
  w.pool("here", 0, 100);
  w.signal("latency", 1);
  w.read("latency", 3);
  CHECK(w.decide("here").launch == 3);
}

TEST_CASE("one reading asks for the same number however often it is looked at") {
  world w;
  w.pool("here", 0, 1000);
  for (int i = 0; i < 4; ++i) w.worker("here");
  w.signal("latency", 1);
  w.read("latency", 2);
  for (int i = 0; i < 10; ++i) {
    auto d = w.decide("here");
    CHECK(d.target == 8);
    w.carry_out(d);
    w.now += 1s;
  }
}

TEST_CASE("workers that boot don't multiply a value") {
  world w;
  w.pool("here", 0, 1000);
  for (int i = 0; i < 4; ++i) w.worker("here");
  w.signal("latency", 1);
  for (int i = 0; i < 5; ++i) {
    w.read("latency", 2);
    auto d = w.decide("here");
    CHECK(d.target == 8);
    w.of("here").booting = 4;
    w.now += 15s;
  }
}

TEST_CASE("a value within the tolerance of its target changes nothing, either way") {
  world w;
  w.pool("here", 0, 100).scaling.scale_down.idle_timeout = 0s;
  for (int i = 0; i < 20; ++i) w.worker("here", 1h);
  w.signal("latency", 1);
  for (double value : {1.09, 0.91, 1.0}) {
    w.read("latency", value);
    w.now += 1ms;
    CHECK_FALSE(w.decide("here").acts());
  }
  w.read("latency", 1.11);
  CHECK(w.decide("here").launch == 3);
}

TEST_CASE("a lower signal lets idle workers go, and never busy ones") {
  world w;
  w.pool("here", 0, 100).scaling.scale_down.idle_timeout = 30s;
  w.busy_workers("here", 2, 10s);
  for (int i = 0; i < 8; ++i) w.worker("here", 1h);
  w.signal("latency", 1);
  w.read("latency", 0.1);
  auto d = w.decide("here");
  CHECK(d.drain.size() == 8);
  CHECK(d.target == 2);
}

TEST_CASE("signals obey maximum, rate limits and stabilisation as the queue does") {
  world w;
  auto& pool = w.pool("here", 0, 6);
  w.signal("messages", 1).type = signal_type::average_value;
  w.read("messages", 50);
  SECTION("maximum") {
    auto d = w.decide("here");
    CHECK(d.launch == 6);
    CHECK(d.wanted == 50);
  }
  SECTION("rate") {
    pool.scaling.scale_up.policies = {{rate_unit::workers, 2, 10s}};
    CHECK(w.decide("here").launch == 2);
  }
  SECTION("stabilisation") {
    pool.scaling.scale_up.stabilization = 10s;
    w.read("messages", 0);
    w.decide();
    w.now += 1s;
    w.read("messages", 50);
    CHECK_FALSE(w.decide("here").acts());
    w.now += 10s;
    CHECK(w.decide("here").launch == 6);
  }
}

TEST_CASE(
    "a signal for several pools fills them by priority, and what one can't give the next gives") {
  world w;
  w.pool("a", 0, 3);
  w.pool("b", 0, 10).priority = 1;
  w.signal("messages", 1).type = signal_type::average_value;
  w.read("messages", 12);
  SECTION("the maximum of one") {
    auto d = w.decide();
    CHECK(d.pool("b")->launch == 10);
    CHECK(d.pool("a")->launch == 2);
  }
  SECTION("one that backs off, in the same decision") {
    w.of("b").backoff = pool_backoff{w.now + 30s, "no capacity", 3};
    auto d = w.decide();
    CHECK(d.pool("b")->launch == 0);
    CHECK(d.pool("a")->launch == 3);
  }
  SECTION("workers that exist satisfy it before any are bought") {
    for (int i = 0; i < 3; ++i) w.worker("a", 1h);
    auto d = w.decide();
    CHECK(d.pool("a")->drain.empty());
    CHECK(d.pool("b")->launch == 9);
  }
}

TEST_CASE("a signal that names no pool never wakes accelerators, where there are plain ones") {
  world w;
  w.pool("gpu", 0, 10, {{"cpus", 4}, {"GPU", 1}}).priority = 9;
  w.pool("plain", 0, 2, {{"cpus", 4}});
  w.signal("messages", 1).type = signal_type::average_value;
  w.read("messages", 5);
  auto d = w.decide();
  CHECK(d.pool("gpu")->launch == 0);
  CHECK(d.pool("plain")->launch == 2);
  w.s.signals[0].pools = {"gpu"};
  w.now += 1s;
  CHECK(w.decide().pool("gpu")->launch == 5);
}

TEST_CASE("the queue's depth counts what these pools could run, and nothing infeasible") {
  world w;
  w.pool("here", 0, 100).scaling.target_duration = 1h;
  w.builtin(signal_source::queue_depth, 10);
  w.tasks(95, 1ms);
  w.tasks(1000, 1ms, {{"cpus", 1}, {"GPU", 1}});
  auto d = w.decide();
  CHECK(d.signal("built-in")->value == 95);
  CHECK(d.pool("here")->queue == 1);
  CHECK(d.pool("here")->launch == 10);
}

TEST_CASE("slot utilisation above its target asks for room to spare") {
  world w;
  w.pool("here", 0, 100);
  w.builtin(signal_source::slot_utilisation, 0.5);
  w.busy_workers("here", 3, 10s);
  w.worker("here", 1h);
  auto d = w.decide();  // 3 of 4
  CHECK(d.signal("built-in")->value == 0.75);
  CHECK(d.pool("here")->launch == 2);
}

TEST_CASE("waiting tasks count in the 95th percentile of waiting times before they start") {
  world w;
  w.pool("here", 0, 100).scaling.target_duration = 1h;
  w.worker("here").running = 1;
  w.load.workers[0].window = 1;
  w.builtin(signal_source::waiting_time_p95, 5);
  w.tasks(10, 1ms).oldest_ready = w.now - 20s;
  auto d = w.decide();
  CHECK(*d.signal("built-in")->value > 15);
  CHECK(*d.signal("built-in")->value <= 20);
  CHECK(d.pool("here")->wanted == 4);
}

TEST_CASE("the 95th percentile is of the last minute only") {
  world w;
  w.pool("here", 0, 100);
  w.builtin(signal_source::waiting_time_p95, 5);
  w.decide();
  for (int i = 0; i < 1000; ++i) w.load.wait.observe(30s);
  w.now += 1s;
  CHECK(*w.decide().signal("built-in")->value > 16);
  for (int i = 0; i < 70; ++i) {
    w.now += 1s;
    for (int k = 0; k < 10; ++k) w.load.wait.observe(1ms);
    w.decide();
  }
  CHECK(*w.decide().signal("built-in")->value < 0.01);
}

TEST_CASE("a percentile over a minute is of the workers of that minute: it does not run away") {
  world w;
  w.pool("here", 0, 10'000);
  w.builtin(signal_source::waiting_time_p95, 5);
  w.worker("here");
  w.decide();
  for (int i = 0; i < 1000; ++i) w.load.wait.observe(16s);
  for (int i = 0; i < 50; ++i) {
    w.now += 1s;
    w.carry_out(w.decide("here"));
  }
  CHECK(w.of("here").registered <= 4);
}

TEST_CASE("a signal's number is in the record of the decision") {
  world w;
  w.pool("here", 0, 100);
  w.signal("latency", 2);
  w.read("latency", 3, 7s);
  auto d = w.decide();
  REQUIRE(d.signals.size() == 1);
  const auto& x = d.signals[0];
  CHECK(x.name == "latency");
  CHECK(x.pools == std::vector<std::string>{"here"});
  CHECK(x.value == 3);
  CHECK(x.age == 7s);
  CHECK(x.target == 2);
  CHECK(x.wanted == 2);
  CHECK(x.state == signal_state::good);
}

TEST_CASE("more of a signal never asks for fewer workers") {
  for (auto type : {signal_type::value, signal_type::average_value}) {
    std::uint32_t before = 0;
    for (double value = 0; value < 20; value += 0.05) {
      world w;
      w.pool("here", 0, std::nullopt);
      for (int i = 0; i < 3; ++i) w.worker("here");
      w.signal("x", 2).type = type;
      w.read("x", value);
      const auto wanted = w.decide("here").wanted;
      INFO(value);
      CHECK(wanted >= before);
      before = wanted;
    }
  }
}

}  // namespace troupe::autoscaler::test
