#include "tests/libruntime/scheduler/rig.hpp"

namespace troupe::scheduler::testing {

TEST_CASE("waiting and ready tasks are cancelled at once, with the reason") {
  rig r;
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 3);
  r.add(1, {task({}, {by_key(1, 0)})});
  r.cancel(job, {{1, 2}, {3, 4}}, "not needed");
  CHECK(r.state({job, 0}) == task_state::ready);
  CHECK(r.state({job, 1}) == task_state::cancelled);
  CHECK(r.state({job, 3}) == task_state::cancelled);
  CHECK(r.client(1).results.at(1).outcome == protocol::outcome::cancelled);
  CHECK(r.client(1).results.at(1).error->message == "not needed");
  r.worker(1, {.slots = 4});
  CHECK(r.window(1) == std::vector<task_index>{0, 2});
}

TEST_CASE("a running task is cancelled by its worker, and keeps its state until it answers") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 1);
  r.started({job, 0});
  r.cancel(job, {{0, 1}}, "too slow");
  CHECK(r.state({job, 0}) == task_state::running);
  CHECK(r.workers[1].at({job, 0}).cancelling);
  CHECK(r.why({job, 0}).find("it was told to end: too slow") != std::string::npos);
  r.ended_cancelled({job, 0});
  CHECK(r.client(1000).results.at(0).error->message == "too slow");
  CHECK(r.client(1000).end->cancelled == 1);
}

TEST_CASE("a cancelled task that was faster keeps its result; one that failed is cancelled") {
  rig r;
  r.worker(1, {.slots = 2});
  task_options retried;
  retried.retries = 5;
  auto job = r.map("f", 2, retried);
  r.cancel(job);
  r.finish({job, 0}, value::of(1));
  r.fail({job, 1}, "interrupted");
  CHECK(r.client(1000).results.at(0).outcome == protocol::outcome::succeeded);
  CHECK(r.client(1000).results.at(1).outcome == protocol::outcome::cancelled);
  CHECK(r.scheduler.stats().retried == 0);
}

TEST_CASE("cancelling is idempotent") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 3);
  r.cancel(job);
  auto cancelled = r.scheduler.stats().cancelled;
  r.cancel(job);
  CHECK(r.last<to_worker>() == 0);
  CHECK(r.scheduler.stats().cancelled == cancelled);
  r.ended_cancelled({job, 0});
  r.ended_cancelled({job, 1});
  r.cancel(job);
  CHECK(r.client(1000).end->cancelled == 3);
}

TEST_CASE("tasks that arrive after their job was cancelled are cancelled too") {
  rig r;
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 2);
  r.cancel(job);
  REQUIRE(r.client(1).end);
  r.add(1, 2);
  r.add(1, {task({by_key(1, 0)})});
  CHECK(r.client(1).results.size() == 5);
  r.worker(1);
  CHECK(r.ran.empty());
}

TEST_CASE("a cancelled task whose worker dies is cancelled, not tried again") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 2);
  r.cancel(job, {}, "enough");
  r.die(1);
  CHECK(r.count(task_state::cancelled) == 2);
  CHECK(r.client(1000).results.at(0).error->message == "enough");
  CHECK(r.scheduler.stats().charged == 0);
}

TEST_CASE("a cancelled dependency fails those that needed it, naming it") {
  rig r;
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 1);
  r.add(1, {task({by_key(1, 0)})});
  r.cancel(job, {{0, 1}}, "enough");
  CHECK(r.client(1).results.at(1).error->message ==
        "it depends on 1.0, which was cancelled: enough");
}

TEST_CASE("only the owner and admins may cancel") {
  rig r;
  auto job = r.map("f", 1);
  r.join_client(2, 102, "eve");
  r.send(from_client{client_id{2}, protocol::cancel{job, {}, "mine"}});
  CHECK(r.count(task_state::ready) == 1);
  CHECK(r.scheduler.may_touch(client_id{2}, job).error().message == "job 1 belongs to ann");
  r.join_client(3, 103, "root", true);
  r.send(from_client{client_id{3}, protocol::cancel{job, {}, "housekeeping"}});
  CHECK(r.count(task_state::cancelled) == 1);
}

TEST_CASE("failed tasks can be started anew, and what failed because of them") {
  rig r;
  r.worker(1, {.slots = 2});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 2);
  r.add(1, {task({by_key(1, 0)})});
  r.close(1);
  r.finish({job, 1});
  r.fail({job, 0});
  REQUIRE(r.client(1).end->failed == 2);
  r.clients.clear();
  r.send(retry_tasks{client_id{1}, job, {}});
  REQUIRE(r.holder({job, 0}) == 1);
  CHECK(r.workers[1].at({job, 0}).attempt == 2);
  CHECK(r.state({job, 2}) == task_state::waiting);
  CHECK_FALSE(r.scheduler.job(job)->done);
  r.finish({job, 0}, value::of(9));
  r.finish({job, 2});
  CHECK(r.client(1).end->succeeded == 3);
  CHECK(r.client(1).results.size() == 2);
}

TEST_CASE("a retry whose dependency is still failed fails again at once") {
  rig r;
  r.worker(1, {.slots = 2});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 1);
  r.add(1, {task({by_key(1, 0)})});
  r.close(1);
  r.fail({job, 0});
  r.send(retry_tasks{client_id{1}, job, {{1, 2}}});
  CHECK(r.state({job, 1}) == task_state::failed);
  CHECK(r.scheduler.job(job)->done);
}

//   0   1
//    \ /
//     2
TEST_CASE("a task that is retried still waits for all its inputs, also for one that ran all the time") {
  rig r;
  r.worker(1, {.slots = 2});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 2);
  r.add(1, {task({by_key(1, 0), by_key(1, 1)})});
  r.close(1);
  for (int again = 0; again < 3; ++again) {
    r.fail({job, 0});
    REQUIRE(r.state({job, 2}) == task_state::failed);
    r.send(retry_tasks{client_id{1}, job, {}});
  }
  r.finish({job, 1}, value::of("one"));
  CHECK(r.state({job, 2}) == task_state::waiting);
  r.finish({job, 0}, value::of("zero"));
  REQUIRE(r.holder({job, 2}) == 1);
  const auto& inputs = r.workers[1][{job, 2}].inputs;
  REQUIRE(inputs.size() == 2);
  CHECK(inputs[0].as<std::string>() == "zero");
  CHECK(inputs[1].as<std::string>() == "one");
}

TEST_CASE("a task that is retried waits for each that comes later as often as it names it") {
  rig r;
  r.worker(1, {.slots = 2});
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 1);
  r.add(1, {task({by_key(1, 0), by_key(1, 2), by_key(1, 2), by_key(1, 3)})});
  r.fail({job, 0});
  REQUIRE(r.state({job, 1}) == task_state::failed);
  r.send(retry_tasks{client_id{1}, job, {}});
  r.add(1, 2);
  r.close(1);
  r.finish({job, 0}, value::of(0));
  r.finish({job, 2}, value::of(2));
  CHECK(r.state({job, 1}) == task_state::waiting);
  r.finish({job, 3}, value::of(3));
  REQUIRE(r.holder({job, 1}) == 1);
  CHECK(r.workers[1][{job, 1}].inputs.size() == 4);
}

}  // namespace troupe::scheduler::testing
