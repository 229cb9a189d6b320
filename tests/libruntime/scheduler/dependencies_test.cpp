#include <utility>

#include "libruntime/scheduler/task_record.hpp"
#include "tests/libruntime/scheduler/rig.hpp"

namespace troupe::scheduler::testing {

TEST_CASE("a list of edges keeps its order at any length, also when it is moved and filled again") {
  for (std::uint32_t n = 0; n < 10; ++n) {
    edges list;
    for (std::uint32_t i = 0; i < n; ++i) list.push_back({job_id{1}, i});
    auto taken = std::exchange(list, {});
    CHECK(list.empty());
    list.push_back({job_id{2}, 7});
    REQUIRE(list.size() == 1);
    CHECK(list[0] == task_id{job_id{2}, 7});
    REQUIRE(taken.size() == n);
    CHECK(taken.empty() == (n == 0));
    std::uint32_t next = 0;
    for (auto id : taken) CHECK(id == task_id{job_id{1}, next++});
    CHECK(next == n);
    taken.erase_if([](task_id id) { return id.index % 2 == 0; });
    REQUIRE(taken.size() == n / 2);
    for (std::size_t i = 0; i < taken.size(); ++i) CHECK(taken[i].index == 2 * i + 1);
  }
}

//   0   1
//    \ /
//     2       the result of 0 and 1 are inputs of 2
TEST_CASE("a task starts when its inputs have ended, and gets their values in order") {
  rig r;
  r.worker(1, {.slots = 4});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 2);
  r.add(1, {task({by_key(1, 1), by_key(1, 0)})});
  r.close(1);
  CHECK(r.state({job, 2}) == task_state::waiting);
  CHECK(r.why({job, 2}) == "waits for 2 tasks: 1.1, which is assigned, 1.0, which is assigned");
  r.finish({job, 0}, value::of("zero"));
  r.finish({job, 1}, value::of("one"));
  REQUIRE(r.holder({job, 2}) == 1);
  const auto& inputs = r.workers[1][{job, 2}].inputs;
  REQUIRE(inputs.size() == 2);
  CHECK(inputs[0].as<std::string>() == "one");
  CHECK(inputs[1].as<std::string>() == "zero");
}

TEST_CASE("`after` orders tasks without passing values") {
  rig r;
  r.worker(1, {.slots = 4});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, {task({}), task({}, {by_key(1, 0)})});
  CHECK(r.holder({job, 1}) == 0);
  r.finish({job, 0}, value::of(1));
  REQUIRE(r.holder({job, 1}) == 1);
  CHECK(r.workers[1][{job, 1}].inputs.empty());
}

TEST_CASE("a failed task fails its dependents, and all of them name the root") {
  rig r;
  r.worker(1, {.slots = 4});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, {task({}, {}, "list"), task({by_key(1, 0)}), task({by_key(1, 1)})});
  r.close(1);
  r.fail({job, 0}, "no such folder");
  const auto& results = r.client(1).results;
  REQUIRE(results.size() == 3);
  for (task_index i : {1u, 2u}) {
    REQUIRE(results.at(i).error);
    CHECK(results.at(i).error->code == errc::dependency_failed);
    CHECK(results.at(i).error->message ==
          "it depends on 1.0 (list), which failed: task_error: no such folder");
  }
  CHECK(r.client(1).end->failed == 3);
}

TEST_CASE("a task that asked to run always runs after failures, with nil for a failed input") {
  rig r;
  r.worker(1, {.slots = 4});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  task_options always;
  always.run_when = run_condition::always;
  r.define(1, 1, call("g", always));
  r.add(1, 2);
  r.add(1, {task({by_key(1, 0), by_key(1, 1)})}, 1);
  r.fail({job, 0});
  CHECK(r.holder({job, 2}) == 0);  // not before all have ended
  r.finish({job, 1}, value::of(5));
  REQUIRE(r.holder({job, 2}) == 1);
  CHECK(r.workers[1][{job, 2}].inputs[0].is_nil());
  CHECK(r.workers[1][{job, 2}].inputs[1].as<int>() == 5);
}

TEST_CASE("tasks may depend on tasks of other jobs, by key or by id") {
  rig r;
  r.worker(1, {.slots = 4});
  auto first = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 1);
  auto second = r.open(2);
  r.define(2, 0, call("g"));
  r.add(2, {task({by_key(1, 0)}), task({in_job(first, 0)})});
  CHECK(r.count(task_state::waiting) == 2);
  r.finish({first, 0}, value::of(3));
  CHECK(r.workers[1][{second, 0}].inputs[0].as<int>() == 3);
  CHECK(r.workers[1][{second, 1}].inputs[0].as<int>() == 3);
}

TEST_CASE("a dependency on a result that is no longer kept is refused, naming it") {
  rig r;
  r.worker(1, {.slots = 4});
  auto first = r.map("f", 1);
  r.finish({first, 0}, value::of(3));
  r.release(first, 0, 1);
  r.open(2);
  r.define(2, 0, call("g"));
  r.add(2, {task({in_job(first, 0)})});
  REQUIRE(r.refused.contains(2));
  CHECK(r.refused[2].code == errc::result_lost);
  CHECK(r.refused[2].message == "2.0 depends on 1.0, whose result is no longer kept");
}

TEST_CASE("of tasks that were submitted one by one, only those that can't be taken fail") {
  rig r;
  r.worker(1, {.slots = 4});
  auto first = r.map("f", 2);
  r.finish({first, 0}, value::of(3));
  r.finish({first, 1}, value::of(4));
  r.release(first, 0, 1);
  auto job = r.open(2, {.independent = true});
  r.define(2, 0, call("g"));
  r.add(2, {task({in_job(first, 1)}), task({in_job(first, 1), in_job(first, 0)}),
            task({in_job(job_id{77}, 0)}), task({by_key(9, 0)}), task({}), task({by_key(2, 1)})});
  CHECK_FALSE(r.refused.contains(2));
  r.run_everything();
  r.close(2);
  const auto& results = r.client(2).results;
  REQUIRE(results.size() == 6);
  CHECK(results.at(0).outcome == protocol::outcome::succeeded);
  CHECK(results.at(1).error->code == errc::result_lost);
  CHECK(results.at(1).error->message == "2.1 depends on 1.0, whose result is no longer kept");
  CHECK(results.at(2).error->message == "2.2 depends on 77.0, but there is no such job");
  CHECK(results.at(3).error->code == errc::not_found);
  CHECK(results.at(4).outcome == protocol::outcome::succeeded);
  CHECK(results.at(5).error->code == errc::dependency_failed);
  CHECK(r.client(2).end->failed == 4);
  // What was never taken can't be started anew.
  r.send(retry_tasks{client_id{1}, job, {{1, 4}}});
  CHECK(r.count(task_state::failed) == 4);
}

TEST_CASE("of tasks that were submitted one by one, a name that never comes fails only its own") {
  rig r;
  r.worker(1, {.slots = 4});
  r.open(1, {.independent = true});
  r.define(1, 0, call("f"));
  r.add(1, {task({by_key(1, 9)}), task({})});
  r.run_everything();
  r.close(1);
  CHECK_FALSE(r.refused.contains(1));
  CHECK(r.client(1).results.at(0).error->code == errc::dependency_failed);
  CHECK(r.client(1).results.at(1).outcome == protocol::outcome::succeeded);
}

TEST_CASE("a dependency on a job that was refused says why that was") {
  rig r;
  r.worker(1, {.slots = 4});
  r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, {task({by_key(1, 0)})});
  REQUIRE(r.refused.contains(1));
  r.open(2, {.independent = true});
  r.define(2, 0, call("g"));
  r.add(2, {task({by_key(1, 5)})});
  CHECK(r.client(2).results.at(0).error->message ==
        "2.0 depends on 1.5, whose job was refused: 1.0 depends on 1.0: on itself");
}

TEST_CASE("a task may name one of its job that comes later") {
  rig r;
  r.worker(1, {.slots = 4});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, {task({by_key(1, 1)})});
  CHECK(r.why({job, 0}) == "waits for 1 task: 1.1, which was not submitted yet");
  r.add(1, 1);
  r.close(1);
  r.finish({job, 1}, value::of(1));
  CHECK(r.holder({job, 0}) == 1);
}

TEST_CASE("a circle is refused at closing, naming its tasks; nothing of the job runs") {
  rig r;
  r.worker(1, {.slots = 4});
  auto job = r.open(1, {.hold = true});
  r.define(1, 0, call("f"));
  r.add(1, {task({}), task({}, {by_key(1, 3)}, "a"), task({}, {by_key(1, 1)}, "b"),
            task({}, {by_key(1, 2)}, "c")});
  r.close(1);
  REQUIRE(r.refused.contains(1));
  CHECK(r.refused[1].code == errc::cycle);
  CHECK(r.refused[1].message ==
        "these tasks wait for each other in a circle: 1.1 (a) → 1.3 (c) → 1.2 (b) → 1.1 (a)");
  CHECK(r.ran.empty());
  CHECK(r.scheduler.job(job)->done);
}

TEST_CASE("a circle through two jobs is found when the later one is closed") {
  rig r;
  r.worker(1, {.slots = 4});
  auto first = r.open(1);
  r.define(1, 0, call("f"));
  r.open(2);
  r.define(2, 0, call("f"));
  r.add(1, {task({by_key(2, 0)})});
  r.add(2, {task({in_job(first, 0)})});
  r.close(1);
  r.close(2);
  CHECK((r.refused.contains(1) || r.refused.contains(2)));
  CHECK(r.count(task_state::waiting) == 0);
}

TEST_CASE("a dependency on oneself, on nothing, or on what never comes is refused, naming it") {
  rig r;
  r.worker(1, {.slots = 4});
  SECTION("on oneself") {
    r.open(1);
    r.define(1, 0, call("f"));
    r.add(1, {task({by_key(1, 0)})});
    CHECK(r.refused[1].message == "1.0 depends on 1.0: on itself");
  }
  SECTION("on a job that never was") {
    r.open(1);
    r.define(1, 0, call("f"));
    r.add(1, {task({in_job(job_id{77}, 4)})});
    CHECK(r.refused[1].message == "1.0 depends on 77.4, but there is no such job");
    CHECK(r.refused[1].code == errc::not_found);
  }
  SECTION("on a task that was never submitted: when the job is closed") {
    r.open(1);
    r.define(1, 0, call("f"));
    r.add(1, {task({by_key(1, 9)}, {}, "lonely")});
    CHECK_FALSE(r.refused.contains(1));
    r.close(1);
    CHECK(r.refused[1].message == "1.0 (lonely) depends on 1.9, which was never submitted");
  }
}

TEST_CASE("a held job starts nothing before it is closed, then everything that can") {
  rig r;
  r.worker(1, {.slots = 4});
  auto job = r.open(1, {.hold = true});
  r.define(1, 0, call("f"));
  r.add(1, 2);
  r.add(1, {task({by_key(1, 0)})});
  CHECK(r.ran.empty());
  CHECK(r.why({job, 0}) == "its job takes tasks until it is closed and starts then");
  r.close(1);
  CHECK(r.held_by(1) == 2);
  r.finish_all(1);
  CHECK(r.holder({job, 2}) == 1);
}

TEST_CASE("a chain of a hundred thousand tasks fails without recursion") {
  rig r;
  r.check = false;
  r.worker(1);
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 1);
  std::vector<protocol::new_task> chain;
  for (task_index i = 1; i < 100'000; ++i) chain.push_back(task({by_key(1, i - 1)}));
  r.add(1, chain);
  r.close(1);
  r.fail({job, 0});
  r.scheduler.check_invariants();
  REQUIRE(r.client(1).end);
  CHECK(r.client(1).end->failed == 100'000);
}

TEST_CASE("a result lives until the last dependent that reads it has ended") {
  rig r;
  r.worker(1, {.slots = 4});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 1);
  r.add(1, {task({by_key(1, 0)}), task({by_key(1, 0)})});
  r.close(1);
  r.release(job, 0, 3);  // no future is left: only the dependents count
  r.finish({job, 0}, value::of(std::string(100, 'x')));
  CHECK(r.scheduler.snapshot(r.now).retained_results == 1);
  r.finish({job, 1});
  CHECK(r.scheduler.snapshot(r.now).retained_results == 1);
  r.finish({job, 2});
  CHECK(r.scheduler.snapshot(r.now).retained_results == 0);
  CHECK(r.scheduler.snapshot(r.now).result_bytes == 0);
}

}  // namespace troupe::scheduler::testing
