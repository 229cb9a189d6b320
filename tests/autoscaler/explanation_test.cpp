// Decisions in sentences.
#include "autoscaler/explanation.hpp"

#include "tests/autoscaler/world.hpp"
#include "tests/support/catch.hpp"

namespace troupe::autoscaler::test {

namespace {

std::string told(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& l : lines) all += l + "\n";
  return all;
}

struct text {
  std::string why, changes;
};

text explained(world& w, const std::string& pool) {
  auto d = w.decide();
  auto e = explain_pool(d, pool, w.s);
  return {told(e.why), told(e.changes)};
}

void has(const std::string& all, const std::string& part) {
  INFO(all);
  CHECK(all.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("an idle pool says so, and what wakes it") {
  world w;
  w.pool("here", 0, 4);
  auto t = explained(w, "here");
  has(t.why, "Pool here has 0 workers, and stays so: nothing to do.");
  has(t.why, "No task waits or runs.");
  has(t.why, "It may have 0 to 4 workers.");
  has(t.changes, "a task that fits no free slot");
}

TEST_CASE("growth is explained by its demand") {
  world w;
  w.pool("here", 0, 100);
  w.tasks(400, 50ms);
  auto t = explained(w, "here");
  has(t.why, "should have 20: 400 tasks wait");
  has(t.why, "To be done with it in 1s, this pool would use 20 workers.");
}

TEST_CASE("at its maximum it says that only a larger one helps") {
  world w;
  w.pool("here", 0, 2);
  w.busy_workers("here", 2, 10s);
  w.tasks(10, 10s);
  has(explained(w, "here").changes, "only with a larger max, now 2");
}

TEST_CASE("idle workers: when the first goes") {
  world w;
  w.pool("here", 0, 4).scaling.scale_down.idle_timeout = 30s;
  w.worker("here", 12s);
  has(explained(w, "here").changes, "shrinks in 18s, when the first worker has been idle for 30s");
}

TEST_CASE("a pool whose starts fail says why, when it is tried again, and who serves meanwhile") {
  world w;
  w.pool("a", 0, 4).priority = 1;
  w.pool("b", 0, 4);
  w.of("a").backoff = pool_backoff{w.now + 30s, "exit status 127: no such program", 3};
  w.tasks(2, 10s);
  auto t = explained(w, "a");
  has(t.why,
      "Starts fail (3 in a row): exit status 127: no such program. It is tried again in 30s; "
      "meanwhile other pools that can do the work get it.");
  has(explained(w, "b").why, "should have 2");
}

TEST_CASE("signals are told with value, age, target and what they ask for") {
  world w;
  w.pool("here", 0, 100);
  w.worker("here");
  w.signal("latency", 0.2);
  w.read("latency", 0.5, 4s);
  has(explained(w, "here").why,
      "Signal latency is 0.5 (target 0.2, read 4s ago) and asks for 3 workers.");
  w.lose("latency", signal_trouble::several);
  w.now += 1s;
  has(explained(w, "here").why,
      "Signal latency was 0.5 (target 0.2, read 5s ago); it is unavailable (several: no answer), "
      "and "
      "meanwhile asks for 3 workers; no worker is stopped for want of it.");
}

TEST_CASE("limits of all pools and the budget are told") {
  world w;
  w.s.max_workers = 3;
  w.s.budget.per_hour = 100;
  w.pool("here", 0, 10).cost_per_hour = 2;
  for (int i = 0; i < 3; ++i) w.worker("here", 0s, 1);
  w.tasks(10, 10s);
  auto t = explained(w, "here");
  has(t.why, "all pools together 3");
  has(t.why, "All instances cost 6 an hour of 100");
  has(t.changes, "larger max_workers");
}

TEST_CASE("what people set by hand is told with how to end it") {
  world w;
  auto& pool = w.pool("here", 0, 10);
  w.worker("here");
  pool.control.pause_up = pool.control.pause_down = true;
  auto t = explained(w, "here");
  has(t.changes, "Growing is paused; `troupe autoscaler resume` ends that.");
  has(t.changes, "Shrinking is paused");
  pool.control = {};
  pool.control.size = 3;
  has(explained(w, "here").changes, "Its size was set by hand");
}

TEST_CASE("work that nobody can run is told with its reason") {
  world w;
  w.pool("here", 0, 10);
  w.tasks(5, 1s, {{"cpus", 1}, {"GPU", 1}});
  has(explained(w, "here").why, "find no place: no pool can run it.");
}

}  // namespace troupe::autoscaler::test
