#include <algorithm>

#include "tests/libruntime/scheduler/rig.hpp"

namespace troupe::scheduler::testing {

TEST_CASE("a task runs on a worker that fits, and its client gets the result") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 1);
  REQUIRE(r.holder({job, 0}) == 1);
  CHECK(r.state({job, 0}) == task_state::assigned);
  r.started({job, 0});
  CHECK(r.state({job, 0}) == task_state::running);
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
  r.map("f", 5);
  CHECK(r.held_by(1) + r.held_by(2) == 5);
  CHECK(r.held_by(1) >= 2);
  CHECK(r.held_by(2) >= 2);
}

TEST_CASE("the window follows the measured duration of the function") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 20'000);
  CHECK(r.held_by(1) == 2);  // nothing measured: one ahead
  SECTION("microsecond tasks: thousands ahead") {
    for (int i = 0; i < 3; ++i) r.finish_all(1, std::chrono::microseconds{2});
    CHECK(r.held_by(1) > 1000);
    CHECK(r.held_by(1) <= 4097);
  }
  SECTION("tasks of a second: never more than one ahead") {
    for (int i = 0; i < 3; ++i) r.finish_all(1, seconds{1});
    CHECK(r.held_by(1) <= 2);
  }
  SECTION("tasks of a minute: none") {
    for (int i = 0; i < 3; ++i) r.finish_all(1, seconds{60});
    CHECK(r.held_by(1) == 1);
  }
  (void)job;
}

TEST_CASE("one call that was interrupted does not change how many are given ahead; long ones do") {
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  rig r;
  r.worker(1);
  auto job = r.map("f", 30'000);
  task_index next = 0;
  auto finish = [&](int times, duration d) {
    for (int i = 0; i < times; ++i) r.finish({job, next++}, value::of(0), d);
  };
  finish(100, microseconds{2});
  // What a worker holds is not taken back: another one shows what is given now.
  auto given = [&] {
    r.worker(2);
    return r.held_by(2);
  };
  SECTION("milliseconds, once") {
    finish(1, milliseconds{1});
    CHECK(given() > 500);
  }
  SECTION("milliseconds, now and then: no less than their part of the work says") {
    for (int i = 0; i < 20; ++i) finish(4, microseconds{2}), finish(1, milliseconds{5});
    auto n = given();
    CHECK(n > 10);   // of 5 ms of work each: by the mean of 1 ms, 5
    CHECK(n < 200);  // by what most take, 2500
  }
  SECTION("milliseconds, from now on") {
    finish(60, milliseconds{5});
    CHECK(given() <= 2);
  }
  SECTION("longer than any interruption: at once") {
    finish(1, milliseconds{500});
    CHECK(given() <= 2);
  }
}

TEST_CASE("a window that one job can't fill is filled from the next one") {
  rig r;
  r.worker(1);
  r.map("f", 20);
  while (r.count(task_state::finished) < 20) r.finish_all(1, std::chrono::microseconds{2});
  r.die(1);
  r.map("f", 10);
  r.map("f", 10);
  r.worker(2);
  CHECK(r.held_by(2) == 20);
}

TEST_CASE("near the end of the queue a worker gets no more than its share") {
  rig r;
  r.worker(1);
  r.worker(2);
  r.map("f", 40);
  for (int i = 0; i < 3; ++i) {
    auto ready = r.count(task_state::ready) + r.held_by(1);
    r.finish_all(1, std::chrono::microseconds{100});
    // 1 could take 50 by now, but 2 is to have half of the rest.
    CHECK(r.held_by(1) <= ready / 2 + 1);
    CHECK(r.count(task_state::ready) > 0);
  }
}

TEST_CASE("a share that is less work than a message costs is not divided further") {
  rig r;
  for (std::uint32_t w = 1; w <= 10; ++w) r.worker(w);
  r.map("f", 10);
  SECTION("microseconds: a tenth would be 100 of them") {
    for (std::uint32_t w = 1; w <= 10; ++w) r.finish_all(w, std::chrono::microseconds{1});
    r.map("f", 1000);
    std::size_t most = 0;
    for (std::uint32_t w = 1; w <= 10; ++w) most = std::max(most, r.held_by(w));
    CHECK(most > 390);
    CHECK(most < 410);
  }
  SECTION("some tenths of a millisecond each: everyone has the same") {
    for (std::uint32_t w = 1; w <= 10; ++w) r.finish_all(w, std::chrono::microseconds{300});
    r.map("f", 20);
    for (std::uint32_t w = 1; w <= 10; ++w) CHECK(r.held_by(w) <= 2);
  }
}

TEST_CASE("what is worth a message is so for a worker, however many slots it has") {
  rig r;
  for (std::uint32_t w = 1; w <= 4; ++w) r.worker(w, {.slots = 8});
  r.map("f", 32);
  for (std::uint32_t w = 1; w <= 4; ++w) r.finish_all(w, std::chrono::microseconds{1});
  r.map("f", 4000);
  for (std::uint32_t w = 1; w <= 4; ++w) CHECK(r.held_by(w) <= 4000 / 4 + 16);
}

TEST_CASE("higher priority goes first, whatever was submitted before") {
  rig r;
  auto low = r.map("f", 2);
  task_options urgent;
  urgent.priority = 5;
  auto high = r.map("f", 2, urgent);
  r.worker(1, {.slots = 2});
  CHECK(r.holder({high, 0}) == 1);
  CHECK(r.holder({high, 1}) == 1);
  r.finish({high, 0});
  r.finish({high, 1});
  CHECK(r.window(1) == std::vector<task_index>{0, 1});
  CHECK(r.holder({low, 0}) == 1);
}

TEST_CASE("a task of higher priority goes ahead of unstarted ones in a window") {
  rig r;
  r.worker(1);
  r.map("f", 10);
  REQUIRE(r.held_by(1) == 2);
  task_options urgent;
  urgent.priority = 1;
  auto high = r.map("g", 1, urgent);
  CHECK(r.holder({high, 0}) == 1);  // beyond the depth: the worker runs it next
}

TEST_CASE("jobs take turns, counted in time: short tasks don't wait behind long ones") {
  rig r;
  r.worker(1, {.slots = 1});
  // Teach the core how long they take.
  r.map("f", 1);
  r.finish_all(1, seconds{1});
  r.map("g", 1);
  r.finish_all(1, milliseconds{100});
  auto longer = r.map("f", 100);
  auto shorter = r.map("g", 100);
  std::map<job_id, int> ran;
  duration time{};
  for (int i = 0; i < 88; ++i) {
    auto t = r.order[1].front();
    ++ran[t.job];
    auto d = t.job == longer ? duration{seconds{1}} : duration{milliseconds{100}};
    time += d;
    r.finish(t, {}, d);
  }
  CHECK(ran[shorter] >= 8 * ran[longer]);
  CHECK(ran[longer] >= 3);
}

TEST_CASE("within a job the lowest index goes first") {
  rig r;
  auto job = r.map("f", 4);
  r.worker(1, {.slots = 4});
  CHECK(r.window(1) == std::vector<task_index>{0, 1, 2, 3});
  (void)job;
}

TEST_CASE("resources other than cpus are counted, and never given twice") {
  rig r;
  r.worker(1, {.slots = 4, .resources = {{"GPU", 1}}});
  task_options gpu;
  gpu.resources = {{"GPU", 1}};
  r.map("f", 3, gpu);
  auto snapshot = r.scheduler.snapshot(r.now);
  CHECK(snapshot.workers[0].running == 1);
  auto plain = r.map("g", 3);
  CHECK(r.holder({plain, 2}) == 1);
  CHECK(r.scheduler.snapshot(r.now).workers[0].running == 4);
}

TEST_CASE("a task that needs two cpus takes two slots") {
  rig r;
  r.worker(1, {.slots = 3});
  task_options wide;
  wide.resources = {{"cpus", 2}};
  r.map("f", 1, wide);
  r.map("g", 1);
  CHECK(r.scheduler.snapshot(r.now).workers[0].running == 2);
  r.worker(2, {.slots = 1});
  auto other = r.map("f", 1, wide);
  CHECK(r.holder({other, 0}) != 2);
}

TEST_CASE("plain work keeps off the workers with accelerators while others have room") {
  rig r;
  r.worker(1, {.slots = 2, .pool = "gpu", .resources = {{"GPU", 1}}});
  r.worker(2, {.slots = 2, .pool = "cpu"});
  auto job = r.map("f", 2);
  CHECK(r.holder({job, 0}) == 2);
  CHECK(r.holder({job, 1}) == 2);
}

TEST_CASE("a task with a pool runs only there; one with a function only where it is known") {
  rig r;
  r.worker(1, {.pool = "a", .functions = {"f"}});
  r.worker(2, {.pool = "b", .functions = {"g"}});
  task_options in_b;
  in_b.pool = "b";
  auto job = r.map("g", 1, in_b);
  CHECK(r.holder({job, 0}) == 2);
  auto nowhere = r.map("f", 1, in_b);
  CHECK(r.holder({nowhere, 0}) == 0);
  auto by_function = r.map("f", 1);
  CHECK(r.holder({by_function, 0}) == 1);
}

TEST_CASE("among equals tasks are packed for scale-in, or spread where asked") {
  SECTION("pack: the busiest first") {
    rig r;
    r.worker(1, {.slots = 4});
    r.worker(2, {.slots = 4});
    r.map("f", 4);
    CHECK(std::max(r.held_by(1), r.held_by(2)) == 4);
  }
  SECTION("spread: the idlest first") {
    core_settings s;
    s.spread = true;
    rig r{s};
    r.worker(1, {.slots = 4});
    r.worker(2, {.slots = 4});
    r.map("f", 4);
    CHECK(r.held_by(1) == 2);
    CHECK(r.held_by(2) == 2);
  }
}

TEST_CASE("a worker that joins gets its share of what others were given ahead") {
  rig r;
  r.worker(1);
  r.map("f", 1);
  r.finish_all(1, std::chrono::microseconds{20});
  r.map("f", 200);
  auto before = r.held_by(1);
  REQUIRE(before > 100);
  REQUIRE(r.count(task_state::ready) == 0);
  r.now += milliseconds{5};
  r.worker(2);
  r.give_back(1);
  CHECK(r.held_by(2) >= before / 4);
  CHECK(r.held_by(1) <= before / 2 + 1);
  CHECK(r.held_by(2) + r.held_by(1) + r.count(task_state::ready) == before);
}

TEST_CASE("work behind a task that runs longer than expected is moved to a free slot") {
  rig r;
  r.worker(1);
  r.map("f", 1);
  r.finish_all(1, std::chrono::microseconds{10});
  auto job = r.map("f", 3);
  REQUIRE(r.held_by(1) == 3);
  r.worker(2);
  CHECK(r.held_by(2) == 0);  // 30 us of work: not worth a round trip
  r.tick(milliseconds{20});
  r.give_back(1);
  CHECK(r.held_by(2) == 0);  // its worker would not have said yet that it runs
  r.tick(milliseconds{100});
  r.give_back(1);
  CHECK(r.held_by(2) >= 1);
  CHECK(r.holder({job, 0}) == 1);
}

TEST_CASE("a cordoned worker gets nothing new and finishes what it has") {
  rig r;
  r.worker(1);
  r.map("f", 5);
  r.send(cordon_worker{worker_id{1}, true});
  auto had = r.held_by(1);
  r.finish_all(1);
  CHECK(had == 2);
  CHECK(r.held_by(1) == 0);
  r.send(cordon_worker{worker_id{1}, false});
  CHECK(r.held_by(1) > 0);
}

TEST_CASE("the autoscaler is called when a ready task finds no room, not otherwise") {
  rig r;
  r.map("f", 1);
  CHECK(r.count(task_state::ready) == 1);
  r.worker(1, {.slots = 4});
  r.map("f", 2);
  CHECK(r.last<demand_unmet>() == 0);
  r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 5);
  CHECK(r.last<demand_unmet>() == 1);
}

TEST_CASE("the load is grouped by shape and function, never by task") {
  rig r;
  r.pools({{"here", true, {{"cpus", 2}}, {"f", "g"}, true, 4, 0, ""}});
  r.map("f", 1000);
  r.map("g", 10);
  task_options gpu;
  gpu.expected = seconds{7};
  r.map("f", 10, gpu);
  auto s = r.scheduler.snapshot(r.now);
  REQUIRE(s.demand.size() == 2);
  CHECK(s.shapes.size() == 1);
  CHECK(s.demand[0].ready == 1010);
  CHECK(s.demand[0].expected == seconds{7});
  CHECK(s.demand[0].pools == std::vector<std::string>{"here"});
  CHECK(s.demand[1].expected == milliseconds{500});
  CHECK_FALSE(s.demand[1].measured);
}

TEST_CASE("a hundred thousand tasks are taken as a range and all run once") {
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
  CHECK(r.client(1).items == 100'000);
  CHECK(r.client(1).results.size() == 100'000);
}

TEST_CASE("classes that are new to a worker's kind are weighed beside known ones") {
  rig r;
  r.join_client(1, 11);
  r.worker(1, {.slots = 1, .functions = {"f", "g", "h", "i"}});
  auto first = r.map("f", 1);
  r.map("f", 2);
  r.map("g", 1);
  r.map("h", 1);
  r.map("i", 1);
  r.finish({first, 0});
  r.run_everything();
  CHECK(r.count(task_state::finished) == 6);
}

}  // namespace troupe::scheduler::testing
