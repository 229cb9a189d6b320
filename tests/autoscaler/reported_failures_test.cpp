// What users of adaptive clusters report again and again, each as a small cluster over time: the
// policy decides, and what it decides happens with delays. See also
// tests/providers/elastic_test.cpp (dying workers, failing starts) and tests/system/scaling_test.py
// (real processes).
#include <deque>
#include <map>

#include "tests/autoscaler/world.hpp"
#include "tests/support/catch.hpp"

namespace troupe::autoscaler::test {

namespace {

// One pool of one-slot workers with a boot time, and a queue of equal tasks.
class small_cluster {
 public:
  explicit small_cluster(std::uint32_t min = 0, std::optional<std::uint32_t> max = 50) {
    w.pool("here", min, max).scaling.scale_down.idle_timeout = 5s;
  }

  world w;
  duration boot = 3s;
  duration each = 1s;
  duration expected = 0s;  // by the scheduler; 0: knows it exactly
  std::uint64_t queue = 0;

  std::uint64_t finished = 0, killed = 0, launched = 0;
  std::uint32_t most = 0;
  int reversals = 0;  // a launch after a drain, or the other way round

  pool_policy& policy() { return w.s.pools[0]; }
  pool_status& status() { return w.of("here"); }
  std::uint32_t size() { return status().registered + status().booting; }

  void run(duration d) {
    for (const auto end = w.now + d; w.now < end; w.now += 100ms) {
      finish();
      boot_up();
      assign();
      if ((w.now - time_point{}) % 1s == 0s) decide();
      most = std::max(most, size());
    }
  }

 private:
  void finish() {
    for (auto& x : w.load.workers) {
      if (x.running == 0) continue;
      auto& end = ends_[x.id.value];
      if (w.now >= end) {
        x.running = x.window = 0;
        x.idle_since = w.now;
        ++finished;
      } else {
        const auto left = end - w.now, known = expected > 0s ? expected : each;
        const auto elapsed = each - left;
        x.remaining = elapsed < known ? known - elapsed : elapsed - known;
      }
    }
  }

  void boot_up() {
    while (!booting_.empty() && booting_.front() <= w.now) {
      booting_.pop_front();
      --status().booting;
      w.worker("here");
    }
  }

  void assign() {
    for (auto& x : w.load.workers) {
      if (queue == 0) return;
      if (x.running > 0) continue;
      x.running = x.window = 1;
      ends_[x.id.value] = w.now + each;
      x.remaining = expected > 0s ? expected : each;
      --queue;
    }
  }

  void decide() {
    w.load.demand.clear();
    w.load.shapes.clear();
    w.load.running.clear();
    if (queue > 0) w.tasks(queue, expected > 0s ? expected : each);
    auto d = w.decide("here");
    if (d.launch > 0 && last_ == direction::down) ++reversals;
    if (d.direction == direction::down && last_ == direction::up && size() > 0) ++reversals;
    if (d.direction != direction::none) last_ = d.direction;
    for (std::uint32_t i = 0; i < d.launch; ++i) booting_.push_back(w.now + boot);
    for (std::uint32_t i = 0; i < d.cancel; ++i) booting_.pop_back();
    status().booting += d.launch;
    status().booting -= d.cancel;
    launched += d.launch;
    for (const auto id : d.drain) {
      auto at = std::find_if(w.load.workers.begin(), w.load.workers.end(),
                             [&](auto& x) { return x.id == id; });
      killed += at->running;
      w.load.workers.erase(at);
      --status().registered;
    }
    status().target = d.target;
  }

  std::map<std::uint64_t, time_point> ends_;
  std::deque<time_point> booting_;
  direction last_ = direction::none;
};

}  // namespace

TEST_CASE("reported: a busy worker is killed on scale-down") {
  small_cluster c;
  c.each = 20s;
  c.queue = 10;
  c.run(10s);
  c.each = 200s;
  c.queue += 3;  // three workers go on while seven fall idle
  c.run(300s);
  CHECK(c.finished == 13);
  CHECK(c.killed == 0);
  CHECK(c.size() == 0);
}

TEST_CASE("reported: finished results are recomputed because their worker was taken away") {
  // The policy drains, it never ends a worker at once: its results are moved before it goes. And
  // among equals the one goes that has the least to move.
  small_cluster c;
  for (std::uint64_t bytes : {300, 100, 200}) {
    auto& x = c.w.worker("here", 10s);
    x.memory_used = bytes;
  }
  c.policy().min = 2;
  auto d = c.w.decide("here");
  CHECK(d.drain == std::vector{worker_id{2}});
  CHECK(d.cancel == 0);
  CHECK(d.target == 2);
}

TEST_CASE("reported: more workers than tasks") {
  for (std::uint64_t tasks : {1, 2, 7}) {
    small_cluster c(0, std::nullopt);
    c.each = 1h;
    c.queue = tasks;
    c.run(5min);
    CHECK(c.most == tasks);
    CHECK(c.launched == tasks);
  }
}

TEST_CASE("reported: the size oscillates while workers boot") {
  for (auto boot : std::vector<duration>{2s, 30s, 5min}) {
    small_cluster c;
    c.boot = boot;
    c.each = 10s;
    c.queue = 400;
    c.run(boot + 20s);
    const auto settled = c.launched;
    c.run(40s);
    CHECK(c.launched == settled);
    CHECK(c.reversals == 0);
    CHECK(c.most <= 50);
  }
}

TEST_CASE("reported: noise around a constant load makes the size flap") {
  small_cluster c;
  c.policy().scaling.scale_down.idle_timeout = 30s;
  c.each = 500ms;
  std::uint64_t seed = 7;
  auto arrive = [&] {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    c.queue += 8 + (seed >> 33) % 5;  // ±20 % around ten tasks, five workers' worth, a second
  };
  for (int i = 0; i < 60; ++i) arrive(), c.run(1s);
  const auto before = c.reversals;
  const auto launched = c.launched;
  for (int i = 0; i < 600; ++i) arrive(), c.run(1s);
  CHECK(c.reversals == before);
  CHECK(c.launched <= launched + 2);
}

TEST_CASE("reported: adaptivity stops after one error or one preempted worker") {
  small_cluster c(2);
  c.each = 5s;
  c.queue = 40;
  c.run(10s);
  for (int i = 0; i < 5; ++i) {  // preempted one after the other, with all they know
    c.w.load.workers.pop_back();
    --c.status().registered;
    ++c.queue;
    c.run(20s);
    CHECK(c.size() >= 2);
  }
  c.status().backoff = pool_backoff{c.w.now + 10s, "the provider says no", 1};
  c.queue += 100;
  c.run(8s);
  c.status().backoff.reset();
  c.run(5s);
  CHECK(c.size() > 20);
  c.run(2min);
  CHECK(c.queue == 0);
  CHECK(c.size() == 2);
}

TEST_CASE("reported: calling scale and adaptive together fight each other") {
  small_cluster c;
  c.policy().control.size = 4;
  c.queue = 100;
  c.each = 1s;
  c.run(15s);
  CHECK(c.size() == 4);
  CHECK(c.launched == 4);
  c.run(60s);  // idle for long: the size set by hand wins
  CHECK(c.size() == 4);
  c.policy().control.size.reset();
  c.run(10s);
  CHECK(c.size() == 0);
}

TEST_CASE("reported: long tasks are taken for half a second, so nothing is launched for them") {
  small_cluster c;
  c.each = 10min;
  c.expected = 500ms;  // what a scheduler assumes of a function it has never seen end
  c.queue = 20;
  c.run(60s);
  // Running tasks are late, so their workers are busy for long, and the waiting need others.
  CHECK(c.size() >= 19);
  CHECK(c.killed == 0);
}

TEST_CASE("reported: the cluster scales down between two phases of a graph") {
  small_cluster c;
  c.policy().scaling.scale_down.idle_timeout = 30s;
  c.boot = 20s;
  c.each = 10s;
  c.queue = 20;
  c.run(35s);
  for (int phase = 0; phase < 4; ++phase) {
    c.run(20s);  // a reduce step elsewhere: shorter than the idle timeout
    CHECK(c.size() == 20);
    c.queue = 20;
    c.run(12s);
  }
  CHECK(c.launched == 20);
  CHECK(c.finished == 100);
}

TEST_CASE("reported: workers are launched, find nothing to do and are killed, again and again") {
  small_cluster c;
  c.boot = 10s;
  c.each = 100ms;
  for (int i = 0; i < 60; ++i) {  // one short task every ten seconds
    ++c.queue;
    c.run(10s);
  }
  c.policy().scaling.scale_down.idle_timeout = 30s;
  c.launched = 0;
  for (int i = 0; i < 60; ++i) {
    ++c.queue;
    c.run(10s);
  }
  CHECK(c.launched <= 1);
}

}  // namespace troupe::autoscaler::test
