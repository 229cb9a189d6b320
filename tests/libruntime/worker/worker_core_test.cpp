#include "tests/libruntime/worker/core_world.hpp"

using namespace troupe;
using namespace troupe::worker;
using namespace std::chrono_literals;
using protocol::outcome;

namespace {

task_options with_priority(std::int32_t p) {
  task_options o;
  o.priority = p;
  return o;
}
task_options asking(resource_set r) {
  task_options o;
  o.resources = std::move(r);
  return o;
}
core_settings slots(std::uint32_t n, resource_set more = {}) {
  core_settings s;
  s.slots = n;
  s.resources = std::move(more);
  return s;
}

}  // namespace

TEST_CASE("tasks start in the order of priority, then arrival") {
  core_world w{slots(8)};
  w.define(2, with_priority(5));
  w.define(3, with_priority(-1));
  w.assign(0, 3);
  w.assign(1, 1);
  w.assign(2, 2);
  w.assign(3, 1);
  w.assign(4, 2);
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) order.push_back(w.start_index());
  CHECK(order == std::vector<int>{2, 4, 1, 3, 0});
}

TEST_CASE("no more tasks run than their resources allow") {
  core_world w{slots(2)};
  for (task_index i = 0; i < 4; ++i) w.assign(i);
  ticket first{};
  CHECK(w.start_index(&first) == 0);
  CHECK(w.start_index() == 1);
  CHECK(w.start_index() == -1);
  CHECK(w.core.running() == 2);
  CHECK(w.core.queued() == 2);
  w.succeed(first);
  CHECK(w.start_index() == 2);
}

TEST_CASE("tasks that ask for part of a cpu share a slot, up to the bound on running tasks") {
  auto s = slots(1);
  s.max_running = 3;
  core_world w{s};
  w.define(2, asking({{"cpus", 0.1}}));
  for (task_index i = 0; i < 5; ++i) w.assign(i, 2);
  CHECK(w.start_index() == 0);
  CHECK(w.start_index() == 1);
  CHECK(w.start_index() == 2);
  CHECK(w.start_index() == -1);
}

TEST_CASE("a large task is not starved by small ones that arrive after it") {
  core_world w{slots(2)};
  w.define(2, asking({{"cpus", 2}}));
  ticket t0{}, t1{};
  w.assign(0);
  w.assign(1);
  REQUIRE(w.start_index(&t0) == 0);
  REQUIRE(w.start_index(&t1) == 1);
  w.assign(2, 2);
  w.assign(3);
  w.succeed(t0);
  CHECK(w.start_index() == -1);
  w.succeed(t1);
  CHECK(w.start_index() == 2);
}

TEST_CASE("a task waiting for a GPU does not keep cpus idle") {
  core_world w{slots(3, {{"cpus", 3}, {"GPU", 1}})};
  w.define(2, asking({{"GPU", 1}}));
  w.assign(0, 2);
  w.assign(1, 2);
  w.assign(2);
  CHECK(w.start_index() == 0);
  CHECK(w.start_index() == 2);
  CHECK(w.start_index() == -1);
}

TEST_CASE("units that are told apart are handed out by index and come back") {
  auto s = slots(4, {{"cpus", 8}, {"GPU", 3}});
  s.indexed = {"GPU"};
  s.max_running = 8;
  core_world w{s};
  w.define(2, asking({{"GPU", 2}}));
  w.define(3, asking({{"GPU", 0.5}}));
  w.assign(0, 2);
  w.assign(1, 3);
  w.assign(2, 3);
  auto two = w.start(), half = w.start(), other_half = w.start();
  REQUIRE((two && half && other_half));
  CHECK(two->resources->indexes.at("GPU") == std::vector<std::uint32_t>{0, 1});
  CHECK(half->resources->indexes.at("GPU") == std::vector<std::uint32_t>{2});
  CHECK(other_half->resources->indexes.at("GPU") == std::vector<std::uint32_t>{2});
  w.succeed(half->ticket);
  w.assign(3, 2);
  CHECK(w.start_index() == -1);
  w.succeed(two->ticket);
  auto again = w.start();
  REQUIRE(again);
  CHECK(again->resources->indexes.at("GPU") == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("an exclusive task waits until the worker is empty and then runs alone") {
  core_world w{slots(4)};
  ticket t0{}, alone{};
  w.assign(0);
  REQUIRE(w.start_index(&t0) == 0);
  w.assign(1, 1, 1, true);
  w.assign(2);
  CHECK(w.start_index() == -1);
  w.succeed(t0);
  CHECK(w.start_index(&alone) == 1);
  CHECK(w.start_index() == -1);
  w.succeed(alone);
  CHECK(w.start_index() == 2);
}

TEST_CASE("a recall gives back what has not started and keeps the rest") {
  core_world w{slots(1)};
  w.assign(0);
  w.assign(1);
  w.assign(2);
  ticket t{};
  REQUIRE(w.start_index(&t) == 0);
  auto answer = w.recall({w.ref(0), w.ref(1), w.ref(9)});
  CHECK(answer.items == std::vector{w.ref(1)});
  CHECK(answer.kept == std::vector{w.ref(0), w.ref(9)});
  w.succeed(t);
  CHECK(w.start_index() == 2);
  CHECK(w.recall({w.ref(0)}).kept.size() == 1);  // finished, and reported as such
}

TEST_CASE("cancelling an unstarted task reports it as cancelled without running it") {
  core_world w{slots(1)};
  w.assign(0);
  CHECK(w.cancel({w.ref(0)}).empty());
  CHECK(w.start_index() == -1);
  auto reports = w.reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].outcome == outcome::cancelled);
  CHECK(reports[0].error->message == "asked by a test");
}

TEST_CASE("cancelling a running task asks it to stop, and reports what it came to") {
  core_world w{slots(2)};
  w.assign(0);
  w.assign(1);
  ticket t0{}, t1{};
  w.start_index(&t0);
  w.start_index(&t1);
  auto orders = w.cancel({w.ref(0), w.ref(1)});
  REQUIRE(orders.size() == 2);
  CHECK(orders[0].why == stop_reason::cancelled);
  CHECK(w.cancel({w.ref(0)}).empty());  // asked once
  w.fail_with(t0, {errc::task_error, "interrupted", "std::runtime_error"});
  w.succeed(t1);  // it was faster
  auto reports = w.reports();
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].outcome == outcome::cancelled);
  CHECK(reports[0].error->code == errc::cancelled);
  CHECK(reports[1].outcome == outcome::succeeded);
}

TEST_CASE("a task over its time limit is stopped and fails as timed out, whatever it returns") {
  core_world w{slots(1)};
  task_options o;
  o.timeout = 2s;
  w.define(2, o);
  w.assign(0, 2);
  ticket t{};
  w.start_index(&t);
  CHECK(w.core.tick(w.now + 1s).stop.empty());
  CHECK(w.core.next_tick() == w.now + 2s);
  auto due = w.core.tick(w.now + 2s);
  REQUIRE(due.stop.size() == 1);
  CHECK(due.stop[0].why == stop_reason::timed_out);
  w.now += 2s;
  w.succeed(t);
  auto reports = w.reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].outcome == outcome::failed);
  CHECK(reports[0].error->code == errc::timed_out);
  CHECK(reports[0].error->message == "ran longer than its time limit of 2s");
  CHECK(reports[0].run_time == 2s);
}

TEST_CASE("a task that ignores its stop request past the grace is stuck, once") {
  core_world w{slots(1)};
  w.assign(0);
  w.start_index();
  w.cancel({w.ref(0)});
  CHECK(w.core.tick(w.now + 4s).stuck.empty());
  CHECK(w.core.tick(w.now + 5s).stuck == std::vector{w.ref(0)});
  CHECK(w.core.tick(w.now + 6s).stuck.empty());
  CHECK_FALSE(w.core.next_tick());
}

TEST_CASE("only tasks that run for a moment are announced as started") {
  core_world w{slots(2)};
  w.assign(0);
  w.assign(1);
  ticket t{};
  w.start_index(&t);
  w.start_index();
  w.succeed(t);
  CHECK(w.core.tick(w.now + 19ms).started.empty());
  CHECK(w.core.tick(w.now + 20ms).started == std::vector{w.ref(1)});
  CHECK(w.core.tick(w.now + 40ms).started.empty());
}

TEST_CASE("a draining worker starts nothing, and an assignment takes it back") {
  core_world w{slots(1)};
  w.assign(0);
  w.core.drain();
  CHECK(w.start_index() == -1);
  CHECK(w.recall({w.ref(0)}).items.size() == 1);
  w.assign(1);
  CHECK(w.start_index() == 1);
}

TEST_CASE("a paused worker starts nothing until it goes on") {
  core_world w{slots(1)};
  w.assign(0);
  w.core.pause(true);
  CHECK(w.start_index() == -1);
  w.core.pause(false);
  CHECK(w.start_index() == 0);
}

TEST_CASE("a task stopped for a drain is reported only if it succeeded") {
  core_world w{slots(2)};
  w.assign(0);
  w.assign(1);
  ticket t0{}, t1{};
  w.start_index(&t0);
  w.start_index(&t1);
  CHECK(w.core.stop_running(stop_reason::draining, w.now).size() == 2);
  w.fail_with(t0, {errc::cancelled, "stopped", {}});
  w.succeed(t1);
  auto reports = w.reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].task.index == 1);
  CHECK(w.core.held().size() == 1);
}

TEST_CASE("repeated and older attempts are ignored and counted") {
  core_world w{slots(1)};
  w.assign(0, 1, 2);
  w.assign(0, 1, 2);
  w.assign(0, 1, 1);
  CHECK(w.core.stats().stale == 2);
  CHECK(w.core.queued() == 1);
  SECTION("a newer one replaces one that has not started") {
    w.assign(0, 1, 3);
    CHECK(w.start()->attempt == 3);
    CHECK(w.core.queued() == 0);
  }
  SECTION("a newer one waits for the end of one that runs") {
    ticket t{};
    w.start_index(&t);
    w.assign(0, 1, 2);
    w.assign(0, 1, 3);
    CHECK(w.start_index() == -1);
    w.succeed(t);
    w.assign(0, 1, 2);
    CHECK(w.reports().size() == 1);
    w.core.check_invariants();
    auto next = w.start();
    REQUIRE(next);
    CHECK(next->attempt == 3);
    w.succeed(next->ticket);
    CHECK(w.reports().size() == 1);
  }
  SECTION("one that waits for the end of another can be taken back, or cancelled") {
    ticket t{};
    w.start_index(&t);
    w.assign(0, 1, 3);
    CHECK(w.recall({w.ref(0, 3)}).items.size() == 1);
    w.assign(0, 1, 4);
    CHECK(w.cancel({w.ref(0, 4)}).empty());
    CHECK(w.reports().size() == 1);
    w.succeed(t);
    CHECK(w.start_index() == -1);
    w.core.check_invariants();
  }
  SECTION("recall and cancel of another attempt touch nothing") {
    CHECK(w.recall({w.ref(0, 1)}).kept.size() == 1);
    CHECK(w.cancel({w.ref(0, 3)}).empty());
    CHECK(w.core.queued() == 1);
  }
}

TEST_CASE("a template number that is used again means the new task; what was assigned keeps the old") {
  core_world w{slots(1)};
  auto named = [](const char* function) {
    task_spec s;
    s.function = function;
    return s;
  };
  w.core.define({template_id{7}, named("old")});
  w.assign(0, 7);
  w.assign(1, 7);
  auto first = w.start();
  REQUIRE(first);
  w.core.define({template_id{7}, named("new")});
  w.assign(2, 7);
  CHECK(first->spec->function == "old");
  w.succeed(first->ticket);
  auto second = w.start();
  REQUIRE(second);
  CHECK(second->spec->function == "old");
  w.succeed(second->ticket);
  auto third = w.start();
  REQUIRE(third);
  CHECK(third->spec->function == "new");
  w.succeed(third->ticket);
  w.core.check_invariants();
}

TEST_CASE("a newer attempt may start while the end of the older one is not acknowledged") {
  core_world w{slots(1)};
  ticket t{};
  w.assign(0);
  w.start_index(&t);
  w.fail_with(t, {errc::task_error, "no", ""});
  CHECK(w.reports().size() == 1);
  w.assign(0, 1, 2);
  CHECK(w.start_index(&t) == 0);
  w.core.acknowledge(1);
  w.core.check_invariants();
  CHECK(w.core.running() == 1);
  w.succeed(t);
  CHECK(w.reports().at(0).attempt == 2);
}

TEST_CASE("finished batches are numbered, kept until acknowledged, and can be sent again") {
  auto s = slots(1);
  s.batch_items = 2;
  core_world w{s};
  for (task_index i = 0; i < 5; ++i) {
    w.assign(i);
    ticket t{};
    w.start_index(&t);
    w.succeed(t);
  }
  auto batches = w.core.take_finished();
  REQUIRE(batches.size() == 3);
  CHECK(batches[0]->number == 1);
  CHECK(batches[2]->number == 3);
  CHECK(batches[0]->items.size() == 2);
  CHECK(w.core.take_finished().empty());
  CHECK(w.core.held().size() == 5);
  w.core.acknowledge(2);
  w.core.check_invariants();
  auto again = w.core.unacknowledged();
  REQUIRE(again.size() == 1);
  CHECK(again[0]->number == 3);
  CHECK(w.core.held().size() == 1);
  CHECK(w.core.held()[0].running);
  w.core.acknowledge(3);
  w.core.acknowledge(3);
  CHECK(w.core.stats().stale == 1);
}

TEST_CASE("a batch is closed before its values outgrow a frame") {
  auto s = slots(1);
  s.batch_bytes = 1000;
  core_world w{s};
  for (task_index i = 0; i < 4; ++i) {
    w.assign(i);
    ticket t{};
    w.start_index(&t);
    w.core.finish(t, value::of(std::string(600, 'x')), w.now);
  }
  CHECK(w.core.take_finished().size() == 4);
}

TEST_CASE("after a reconnect a worker names what it holds: queued, running and unreported") {
  core_world w{slots(1)};
  ticket t{};
  w.assign(0);
  w.start_index(&t);
  w.succeed(t);
  w.assign(1);
  w.assign(2);
  w.start_index();
  auto held = w.core.held();
  REQUIRE(held.size() == 3);
  int unstarted = 0;
  for (const auto& h : held) unstarted += !h.running;
  CHECK(unstarted == 1);
}

TEST_CASE("an unknown template fails the task and nothing else") {
  core_world w{slots(1)};
  w.assign(0, 77);
  w.assign(1);
  CHECK(w.start_index() == 1);
  auto reports = w.reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].error->code == errc::protocol);
  CHECK(reports[0].error->message.find("template 77") != std::string::npos);
}

TEST_CASE("a task that asks for what the worker does not have fails, naming it") {
  core_world w{slots(1)};
  w.define(2, asking({{"GPU", 1}}));
  w.assign(0, 2);
  auto reports = w.reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].error->code == errc::infeasible);
  CHECK(reports[0].error->message.find("GPU") != std::string::npos);
}

TEST_CASE("what a head sends beyond the window is refused, then dropped") {
  auto s = slots(1);
  s.max_window = 3;
  core_world w{s};
  for (task_index i = 0; i < 10; ++i) w.assign(i);
  CHECK(w.core.queued() == 3);
  auto reports = w.reports();
  REQUIRE(reports.size() == 3);
  CHECK(reports[0].error->code == errc::overloaded);
  CHECK(w.core.stats().stale == 4);
}

namespace {

// A core whose calls have lengths. Every call is short up to 20 µs.
struct paced_world {
  core_world w{[] {
    auto s = slots(1);
    s.short_call = 20us;
    return s;
  }()};
  task_index next = 0;

  void run(duration length, int times = 1, std::uint32_t spec = 1) {
    for (int i = 0; i < times; ++i) {
      w.assign(next++, spec);
      ticket t{};
      w.start_index(&t);
      w.now += length;
      w.succeed(t);
    }
  }
  bool next_is_short(std::uint32_t spec = 1) {
    w.assign(next++, spec);
    bool is = w.core.look_ahead() == worker_core::upcoming::short_call;
    auto order = w.core.next_short(w.now);
    w.core.check_invariants();
    CHECK(order.has_value() == is);
    if (!order) order = w.start();
    w.succeed(order->ticket);
    return is;
  }
};

}  // namespace

TEST_CASE("a function is known as short after a number of short calls, by whatever template") {
  paced_world p;
  p.w.define(2, {});
  CHECK_FALSE(p.next_is_short());
  p.run(2us, 20);
  CHECK(p.next_is_short());
  CHECK(p.next_is_short(2));
}

TEST_CASE("a call that looks long now and then does not change what is known of its function") {
  paced_world p;
  p.run(2us, 40);
  for (int i = 0; i < 10; ++i) {
    p.run(100us);
    CHECK(p.next_is_short());
    p.run(2us, 10);
  }
  p.run(100us, 5);  // in a row
  CHECK_FALSE(p.next_is_short());
}

TEST_CASE("one really long call makes its function long, until many were short again") {
  paced_world p;
  p.run(2us, 40);
  p.run(2ms);
  CHECK_FALSE(p.next_is_short());
  p.run(2us, 20);
  CHECK(p.next_is_short());
}

TEST_CASE("what runs in a process is never known as short") {
  core_world w{slots(1)};
  task_options isolated;
  isolated.isolated = isolation::process;
  w.define(2, isolated);
  for (task_index i = 0; i < 100; ++i) {
    w.assign(i, 2);
    CHECK(w.core.look_ahead() == worker_core::upcoming::other);
    w.succeed(w.start()->ticket);
  }
}
