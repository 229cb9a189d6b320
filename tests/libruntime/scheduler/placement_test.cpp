#include "tests/libruntime/scheduler/rig.hpp"

namespace troupe::scheduler::testing {

TEST_CASE("a task runs on a worker that fits, and its client gets the result") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 1);
  REQUIRE(r.holder({job, 0}) == 1);
  CHECK(r.state({job, 0}) == task_state::assigned);
  r.finish({job, 0}, value::of(42));
  const auto& heard = r.client(1000);
  REQUIRE(heard.results.contains(0));
  CHECK(heard.results.at(0).result.as<int>() == 42);
  REQUIRE(heard.end);
  CHECK(heard.end->succeeded == 1);
}

TEST_CASE("every free slot is filled before anything is given ahead") {
  rig r;
  r.worker(1, {.slots = 2});
  r.worker(2, {.slots = 2});
  auto job = r.map("f", 4);
  CHECK(r.held_by(1) == 2);
  CHECK(r.held_by(2) == 2);
  CHECK(r.count(task_state::ready) == 0);
  (void)job;
}

TEST_CASE("a million tasks are accepted as ranges and all run") {
  rig r;
  r.check = false;
  for (std::uint32_t i = 1; i <= 4; ++i) r.worker(i);
  r.open(1);
  r.define(1, 0, call("f"));
  for (int i = 0; i < 10; ++i) r.add(1, 10'000);
  r.close(1);
  r.run_everything();
  r.scheduler.check_invariants();
  REQUIRE(r.client(1).end);
  CHECK(r.client(1).end->succeeded == 100'000);
  CHECK(r.client(1).results.size() == 100'000);
}

}  // namespace troupe::scheduler::testing
