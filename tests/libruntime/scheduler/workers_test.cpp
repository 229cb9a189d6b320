#include "tests/libruntime/scheduler/rig.hpp"

namespace troupe::scheduler::testing {
namespace {

// So that windows hold more than one task ahead.
void teach(rig& r, std::uint32_t worker, duration run_time) {
  r.map("f", 1);
  r.finish_all(worker, run_time);
}

}  // namespace

TEST_CASE("a lost worker's tasks are placed again before new ones, with the attempt raised") {
  rig r;
  r.worker(1, {.slots = 2});
  teach(r, 1, milliseconds{1});
  auto lost = r.map("f", 6);
  auto newer = r.map("f", 6);
  auto window = r.order[1];
  REQUIRE(window.size() > 4);
  r.die(1);
  CHECK(r.count(task_state::assigned) == 0);
  for (std::uint32_t id : {2, 3, 4}) r.worker(id, {.slots = 3});
  // The two that ran are suspects, each alone on a worker; the others follow in order.
  CHECK(r.workers[2].at({lost, 0}).exclusive);
  CHECK(r.workers[3].at({lost, 1}).exclusive);
  REQUIRE(r.workers[4].contains({lost, 2}));
  CHECK(r.workers[4].at({lost, 2}).attempt == 2);
  CHECK(r.workers[4].contains({lost, 5}));
  CHECK_FALSE(r.workers[4].contains({newer, 5}));
}

TEST_CASE("only what a dead worker was running is charged, at most its slots") {
  rig r;
  r.worker(1, {.slots = 2});
  teach(r, 1, milliseconds{1});
  r.map("f", 8);
  REQUIRE(r.held_by(1) > 4);
  r.die(1);
  CHECK(r.scheduler.stats().charged == 2);
}

TEST_CASE("a worker that was ended deliberately charges nobody") {
  rig r;
  r.worker(1, {.slots = 2});
  auto job = r.map("f", 2);
  r.die(1, "scaled in", true);
  CHECK(r.scheduler.stats().charged == 0);
  r.worker(2, {.slots = 2});
  CHECK(r.held_by(2) == 2);
  CHECK(r.workers[2].at({job, 0}).attempt == 2);
}

TEST_CASE("a suspect runs alone on its next worker") {
  rig r;
  r.worker(1);
  auto suspect = r.map("f", 1);
  r.die(1);
  CHECK(r.why({suspect, 0}) == "no worker has registered that could run it (cpus=1)");
  auto others = r.map("g", 4);
  r.worker(2, {.slots = 4});
  REQUIRE(r.holder({suspect, 0}) == 2);
  CHECK(r.workers[2].at({suspect, 0}).exclusive);
  CHECK(r.held_by(2) == 1);
  r.finish({suspect, 0});
  CHECK(r.holder({others, 0}) == 2);
  CHECK(r.held_by(2) == 4);
}

TEST_CASE("where no worker is empty, one is reserved for a suspect and runs dry") {
  rig r;
  r.worker(1);
  r.worker(2, {.slots = 2});
  auto job = r.map("f", 200);
  auto crashing = r.order[1].front();
  r.die(1);
  CHECK(r.why(crashing) ==
        "a worker died under it, so it runs alone next: it waits for one of 1 worker to be empty");
  for (int i = 0; i < 5 && r.holder(crashing) == 0; ++i) {
    r.give_back(2);
    while (!r.order[2].empty() && r.holder(crashing) == 0) r.finish(r.order[2].front());
  }
  REQUIRE(r.holder(crashing) == 2);
  CHECK(r.held_by(2) == 1);
  r.finish(crashing);
  CHECK(r.held_by(2) >= 2);
  (void)job;
}

TEST_CASE("a task that kills its workers fails after crash_limit charges, its neighbours don't") {
  rig r;
  std::uint32_t next = 1;
  r.worker(next, {.slots = 4});
  auto job = r.map("f", 4);
  auto killer = task_id{job, 2};
  for (int i = 0; i < 20 && r.client(1000).results.size() < 4; ++i) {
    for (auto t : std::vector<task_id>(r.order[next])) {
      if (t != killer && r.workers[next].at(t).exclusive) r.finish(t);
    }
    if (r.holder(killer) == next) {
      r.die(next, "killed by signal 11");
      r.worker(++next, {.slots = 4});
    }
  }
  const auto& results = r.client(1000).results;
  REQUIRE(results.size() == 4);
  REQUIRE(results.at(2).error);
  CHECK(results.at(2).error->code == errc::crash_limit);
  CHECK(results.at(2).error->message ==
        "its worker died under it 3 times, the last time w3: killed by signal 11");
  for (task_index i : {0u, 1u, 3u}) CHECK(results.at(i).outcome == protocol::outcome::succeeded);
}

TEST_CASE("a disconnected worker keeps its tasks and goes on where it was") {
  rig r;
  r.worker(1, {.slots = 2});
  auto job = r.map("f", 4);
  auto had = r.held_by(1);
  r.disconnect(1);
  CHECK(r.scheduler.snapshot(r.now).workers[0].state == worker_state::disconnected);
  r.tick(seconds{5});
  CHECK(r.count(task_state::assigned) == had);
  std::vector<protocol::held_task> held;
  for (auto t : r.order[1]) held.push_back({t, r.workers[1].at(t).attempt, false});
  held[0].running = true;
  r.worker(1, {.slots = 2, .held = held});
  CHECK(r.scheduler.snapshot(r.now).workers[0].state == worker_state::ready);
  CHECK(r.state({job, 0}) == task_state::running);
  r.finish_all(1);
  r.run_everything();
  CHECK(r.client(1000).end->succeeded == 4);
  CHECK(r.scheduler.stats().charged == 0);
}

TEST_CASE("what never reached a worker before its link broke is placed again, uncharged") {
  rig r;
  r.worker(1, {.slots = 2});
  auto job = r.map("f", 2);
  r.disconnect(1);
  r.workers[1].clear();
  r.order[1].clear();
  r.worker(1, {.slots = 2, .held = {{{job, 0}, 1, true}}});
  CHECK(r.state({job, 0}) == task_state::running);
  REQUIRE(r.workers[1].contains({job, 1}));
  CHECK(r.workers[1].at({job, 1}).attempt == 2);
  CHECK(r.scheduler.stats().charged == 0);
}

TEST_CASE("of a worker that stays away, unstarted tasks go back first, running ones at the lease") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 2);
  REQUIRE(r.held_by(1) == 2);
  r.disconnect(1);
  r.worker(2, {.slots = 4});
  r.tick(seconds{9});
  CHECK(r.held_by(2) == 0);
  r.send(from_worker{worker_id{2}, protocol::heartbeat{}});
  r.tick(seconds{2});
  CHECK(r.workers[2].contains({job, 1}));
  CHECK_FALSE(r.workers[2].contains({job, 0}));
  CHECK(r.expired.empty());
  r.send(from_worker{worker_id{2}, protocol::heartbeat{}});
  for (int i = 0; i < 6; ++i) {
    r.tick(seconds{5});
    r.send(from_worker{worker_id{2}, protocol::heartbeat{}});
  }
  CHECK(r.expired == std::vector<std::uint32_t>{1});
  CHECK(r.scheduler.stats().charged == 1);
}

TEST_CASE("silence counts like a lost link; the worker may speak again") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 1);
  r.tick(seconds{11});
  CHECK(r.scheduler.snapshot(r.now).workers[0].state == worker_state::disconnected);
  r.send(from_worker{worker_id{1}, protocol::heartbeat{}});
  CHECK(r.scheduler.snapshot(r.now).workers[0].state == worker_state::ready);
  r.finish({job, 0});
  CHECK(r.client(1000).end);
}

TEST_CASE("a late report of an attempt that is over is counted and ignored") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 1);
  r.die(1, "gone", true);
  r.worker(2);
  REQUIRE(r.holder({job, 0}) == 2);
  auto before = r.scheduler.stats().stale;
  protocol::finished late{1, {{{job, 0}, 1, protocol::outcome::succeeded, {}, value::of(1), {}}}};
  r.send(from_worker{worker_id{1}, late});  // a worker that is no more
  r.send(from_worker{worker_id{2}, late});  // an attempt that is no more
  CHECK(r.scheduler.stats().stale == before + 2);
  CHECK(r.state({job, 0}) == task_state::assigned);
}

TEST_CASE("a report that is sent again is acknowledged and changes nothing") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 2);
  protocol::finished report{1, {{{job, 0}, 1, protocol::outcome::succeeded, {}, value::of(1), {}}}};
  r.send(from_worker{worker_id{1}, report});
  r.acked[1] = 0;
  r.send(from_worker{worker_id{1}, report});
  CHECK(r.acked[1] == 1);
  CHECK(r.scheduler.stats().finished == 1);
}

TEST_CASE("acknowledgements ride with other messages, else wait for the heartbeat or for many") {
  rig r;
  r.worker(1);
  r.map("f", 1);
  r.finish_all(1);
  CHECK(r.acked[1] == 0);  // nothing else to say: no message of its own
  r.map("f", 1);
  CHECK(r.acked[1] == 1);  // with the assignment
  r.finish_all(1);
  r.send(from_worker{worker_id{1}, protocol::heartbeat{}});
  CHECK(r.acked[1] == 2);
  r.send(from_worker{worker_id{1}, protocol::heartbeat{}});
  CHECK(r.last<to_worker>() == 0);  // nothing new

  for (std::uint64_t n = 3; n < 10; ++n) {
    r.send(from_worker{worker_id{1}, protocol::finished{n, {}}});
    CHECK(r.acked[1] == 2);
  }
  r.send(from_worker{worker_id{1}, protocol::finished{10, {}}});
  CHECK(r.acked[1] == 10);

  r.map("f", 1);
  protocol::finished_task large;
  large.task = r.order[1].front();
  large.attempt = r.workers[1].at(large.task).attempt;
  large.outcome = protocol::outcome::succeeded;
  large.result = value::of(std::string(300'000, 'x'));
  r.send(from_worker{worker_id{1}, protocol::finished{11, {large}}});
  CHECK(r.acked[1] == 11);
}

TEST_CASE("a drain recalls what has not started, lets the rest finish, then says so") {
  rig r;
  r.worker(1, {.slots = 2});
  teach(r, 1, milliseconds{1});
  auto job = r.map("f", 10);
  REQUIRE(r.held_by(1) > 2);
  r.send(drain_worker{worker_id{1}, true, "scale-in"});
  r.give_back(1);
  CHECK(r.held_by(1) == 2);
  CHECK(r.count(task_state::ready) == 8);
  CHECK(r.drained.empty());
  r.finish_all(1);
  CHECK(r.drained == std::vector<std::uint32_t>{1});
  r.worker(2, {.slots = 2});
  r.run_everything();
  CHECK(r.client(1001).end->succeeded == 10);
  for (task_index i = 0; i < 10; ++i) CHECK(r.ran.contains({job, i}));
}

TEST_CASE("a draining worker that is taken back works again") {
  rig r;
  r.worker(1);
  r.send(drain_worker{worker_id{1}, true, "scale-in"});
  CHECK(r.drained == std::vector<std::uint32_t>{1});
  auto job = r.map("f", 1);
  CHECK(r.holder({job, 0}) == 0);
  r.send(drain_worker{worker_id{1}, false, ""});
  CHECK(r.holder({job, 0}) == 1);
}

TEST_CASE("what a worker holds of an earlier head is ended there") {
  rig r;
  r.worker(1, {.held = {{{job_id{7}, 3}, 1, true}}});
  bool told = false;
  for (const auto& a : r.actions)
    if (const auto* m = std::get_if<to_worker>(&a))
      if (const auto* c = std::get_if<protocol::cancel_attempts>(&m->message))
        told = c->items == std::vector<protocol::attempt_reference>{{{job_id{7}, 3}, 1}};
  CHECK(told);
}

TEST_CASE("a task that its worker ended because it was stopped runs again elsewhere") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 1);
  r.send(cordon_worker{worker_id{1}, true});
  r.ended_cancelled({job, 0});
  CHECK(r.state({job, 0}) == task_state::ready);
  r.worker(2);
  CHECK(r.workers[2].at({job, 0}).attempt == 2);
}

TEST_CASE("errors are retried with a delay that doubles, then are final") {
  rig r;
  r.worker(1);
  task_options o;
  o.retries = 2;
  o.retry_delay = seconds{1};
  auto job = r.map("f", 1, o);
  r.fail({job, 0}, "first");
  CHECK(r.state({job, 0}) == task_state::waiting);
  CHECK(r.why({job, 0}) == "waits to be retried 1.0 s from now, after task_error: first");
  r.tick(milliseconds{1100});
  REQUIRE(r.holder({job, 0}) == 1);
  CHECK(r.workers[1].at({job, 0}).attempt == 2);
  r.fail({job, 0}, "second");
  r.tick(milliseconds{1100});
  CHECK(r.holder({job, 0}) == 0);
  r.tick(milliseconds{1000});
  REQUIRE(r.holder({job, 0}) == 1);
  r.fail({job, 0}, "third");
  CHECK(r.client(1000).results.at(0).error->message == "third");
}

}  // namespace troupe::scheduler::testing
