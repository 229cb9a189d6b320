// Random heads against one worker core: whatever comes in whatever order, the invariants hold and
// every attempt is accounted for exactly once.
#include <map>
#include <random>
#include <set>

#include "tests/libruntime/worker/core_world.hpp"

using namespace troupe;
using namespace troupe::worker;
using namespace std::chrono_literals;

namespace {

struct simulation {
  std::mt19937 random;
  core_world w;
  std::map<task_index, attempt_number> open;  // what the head believes the worker holds
  std::vector<ticket> running;
  std::map<std::pair<task_index, attempt_number>, int> ended;  // reported or given back
  task_index next_index = 0;

  explicit simulation(unsigned seed) : random(seed), w(settings()) {
    task_options low, gpu, half, limited;
    low.priority = -3;
    gpu.resources = {{"GPU", 1}};
    half.resources = {{"cpus", 0.5}, {"GPU", 0.5}};
    limited.timeout = 50ms;
    w.define(2, low);
    w.define(3, gpu);
    w.define(4, half);
    w.define(5, limited);
  }
  static core_settings settings() {
    core_settings s;
    s.slots = 3;
    s.resources = {{"cpus", 3}, {"GPU", 2}};
    s.indexed = {"GPU"};
    s.batch_items = 5;
    return s;
  }
  unsigned pick(unsigned n) { return std::uniform_int_distribution<unsigned>{0, n - 1}(random); }
  protocol::attempt_reference any() {
    auto i = open.begin();
    std::advance(i, pick(static_cast<unsigned>(open.size())));
    return w.ref(i->first, i->second);
  }
  void end(protocol::attempt_reference r) {
    ++ended[{r.task.index, r.attempt}];
    auto i = open.find(r.task.index);
    if (i == open.end() || i->second != r.attempt) return;
    open.erase(i);
    if (pick(4) == 0) give(r.task.index, static_cast<attempt_number>(r.attempt + 1));
  }
  void give(task_index index, attempt_number attempt) {
    open[index] = attempt;
    w.assign(index, 1 + pick(5), attempt, pick(20) == 0);
  }
  void collect() {
    for (const auto& batch : w.core.take_finished()) {
      for (const auto& item : batch->items) end({item.task, item.attempt});
      if (pick(2)) w.core.acknowledge(batch->number);
    }
    w.core.check_invariants();
  }
  void finish_one() {
    if (running.empty()) return;
    auto at = running.begin() + pick(static_cast<unsigned>(running.size()));
    auto t = *at;
    running.erase(at);
    if (pick(3)) w.succeed(t);
    else w.fail_with(t, {errc::task_error, "no", "x"});
  }
  void step() {
    w.now += std::chrono::milliseconds{pick(10)};
    switch (pick(10)) {
      case 0: case 1: case 2:
        give(next_index++, 1);
        break;
      case 3: case 4: case 5:
        if (auto order = w.start()) running.push_back(order->ticket);
        break;
      case 6:
        finish_one();
        break;
      case 7:
        if (open.empty()) break;
        for (const auto& r : w.recall({any(), any()}).items) end(r);
        break;
      case 8:
        if (!open.empty()) w.cancel({any()});
        break;
      default:
        w.core.tick(w.now);
        collect();
    }
    w.core.check_invariants();
  }
  void drain() {
    for (int i = 0; i < 1'000'000 && !open.empty(); ++i) {
      while (auto order = w.start()) running.push_back(order->ticket);
      finish_one();
      collect();
    }
  }
};

}  // namespace

TEST_CASE("any sequence of messages keeps the invariants and ends every attempt once") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    simulation s{seed};
    for (int i = 0; i < 1500; ++i) s.step();
    s.drain();
    INFO("seed " << seed);
    REQUIRE(s.open.empty());
    for (const auto& [attempt, times] : s.ended) REQUIRE(times == 1);
    s.w.core.acknowledge(UINT64_MAX);
    CHECK(s.w.core.held().empty());
  }
}
