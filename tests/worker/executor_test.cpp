#include <atomic>
#include <set>
#include <thread>

#include "tests/worker/executor_world.hpp"

using namespace troupe;
using namespace troupe::worker;
using namespace std::chrono_literals;
using protocol::outcome;

namespace {

task_options limited_to(duration d) {
  task_options o;
  o.timeout = d;
  return o;
}

}  // namespace

TEST_CASE("a call's result is what its function returned") {
  executor_world w;
  auto f = w.outcome(w.call("add", pack_arguments(2, 3)));
  CHECK(f.outcome == outcome::succeeded);
  CHECK(f.result.as<int>() == 5);
}

TEST_CASE("results of other tasks are put in their place among the arguments") {
  executor_world w;
  task_spec s;
  s.function = "add";
  auto i = w.give(s, pack_arguments(1, input_reference{0}), {value::of(41)});
  CHECK(w.outcome(i).result.as<int>() == 42);
}

TEST_CASE("what a function throws is its task's error, with type and message") {
  executor_world w;
  auto f = w.outcome(w.call("throw"));
  CHECK(f.outcome == outcome::failed);
  CHECK(f.error->code == errc::task_error);
  CHECK(f.error->type == "std::runtime_error");
  CHECK(f.error->message == "no luck");
}

TEST_CASE("an unknown function fails its task, naming it") {
  executor_world w;
  auto f = w.outcome(w.call("nosuch"));
  CHECK(f.error->code == errc::unknown_function);
  CHECK(f.error->message.find("nosuch") != std::string::npos);
}

TEST_CASE("as many calls run at once as there are slots") {
  executor_world w{3};
  std::vector<task_index> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(w.call("wait_for_stop"));
  CHECK(eventually([&] { return w.exec().load().running == 3; }));
  CHECK(w.exec().load().queued == 2);
  for (auto t : tasks) w.exec().cancel({{w.ref(t)}, "enough"});
  for (auto t : tasks) CHECK(w.outcome(t).outcome == outcome::cancelled);
}

TEST_CASE("cancelling reaches a running call through its context, with the reason") {
  executor_world w;
  auto t = w.call("wait_for_stop");
  REQUIRE(eventually([&] { return w.has_started(t); }));
  w.exec().cancel({{w.ref(t)}, "asked by me"});
  auto f = w.outcome(t);
  CHECK(f.outcome == outcome::cancelled);
  CHECK(f.error->message == "asked by me");
}

TEST_CASE("a call over its time limit is stopped and has timed out") {
  executor_world w;
  auto f = w.outcome(w.call("wait_for_stop", {}, limited_to(30ms)));
  CHECK(f.outcome == outcome::failed);
  CHECK(f.error->code == errc::timed_out);
  CHECK(f.run_time >= 30ms);
}

TEST_CASE("a call that ignores its stop request past the grace is reported as stuck") {
  executor_world w;
  auto go = (w.folder() / "go").string();
  auto t = w.call("ignore_stop", pack_arguments(go));
  REQUIRE(eventually([&] { return w.has_started(t); }));
  w.exec().cancel({{w.ref(t)}, ""});
  CHECK(eventually([&] { return w.is_stuck(t); }));
  auto other = w.call("add", pack_arguments(1, 1));
  CHECK(w.outcome(other).result.as<int>() == 2);  // neighbours go on
  std::ofstream{go} << "x";
  CHECK(w.outcome(t).outcome == outcome::succeeded);
}

TEST_CASE("stop asks running calls to end and waits for them; they are not reported") {
  executor_world w;
  auto t = w.call("wait_for_stop");
  auto queued = w.call("noop", {}, [] {
    task_options o;
    o.priority = -1;
    o.resources = {{"cpus", 2}};
    return o;
  }());
  REQUIRE(eventually([&] { return w.has_started(t); }));
  CHECK(w.exec().stop(clock::now() + 10s));
  CHECK(w.finished_count() == 0);
  auto held = w.exec().held();
  REQUIRE(held.size() == 1);
  CHECK(held[0].task.index == queued);
}

TEST_CASE("stop gives up at its deadline when a call does not end") {
  executor_world w;
  auto go = (w.folder() / "go").string();
  auto t = w.call("ignore_stop", pack_arguments(go));
  REQUIRE(eventually([&] { return w.has_started(t); }));
  CHECK_FALSE(w.exec().stop(clock::now() + 20ms));
  std::ofstream{go} << "x";
  CHECK(w.exec().stop(clock::now() + 10s));
}

TEST_CASE("a function's log lines, progress and scratch folder are its task's own") {
  executor_world w;
  auto t = w.call("log_and_progress");
  auto scratch = w.outcome(t).result.as<std::string>();
  CHECK(scratch == (w.folder() / "scratch" / "7.0.1").string());
  CHECK_FALSE(std::filesystem::exists(scratch));
  auto log = read_log(w.folder() / "logs", {job_id{7}, t}, log_stream::err, 0, 1000);
  REQUIRE(log);
  CHECK(log->data.find(" warning a word\n") != std::string::npos);
}

TEST_CASE("a call sees the units of its indexed resources") {
  executor_world w{2, [](executor_settings& s) {
                     s.core.resources = {{"cpus", 2}, {"GPU", 2}};
                     s.core.indexed = {"GPU"};
                   }};
  task_options o;
  o.resources = {{"GPU", 2}};
  auto f = w.outcome(w.call("indexes", {}, o));
  CHECK(f.result.as<std::vector<std::uint32_t>>() == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("the owner is woken once for outputs it has not taken") {
  temporary_folder folder;
  executor_settings s;
  s.tasks.log_dir = folder.path;
  s.tasks.scratch = folder.path;
  std::atomic<int> wakes{0};
  executor e{s, test_functions(), {[&] { ++wakes; }}};
  task_spec spec;
  spec.function = "noop";
  e.define({template_id{1}, spec});
  protocol::assign many;
  for (task_index i = 0; i < 100; ++i)
    many.items.push_back({task_id{job_id{1}, i}, 1, template_id{1}, {}, {}, false});
  e.assign(std::move(many));
  REQUIRE(eventually([&] { return e.stats().finished == 100; }));
  CHECK(eventually([&] { return wakes == 1; }));
  std::size_t items = 0;
  for (const auto& batch : e.take_output().finished) items += batch->items.size();
  CHECK(items == 100);
  CHECK(e.take_output().finished.empty());
}

TEST_CASE("recalls that race with starts give back or keep each task, never both or neither") {
  executor_world w{2};
  task_spec spec;
  spec.function = "noop";
  w.exec().define({template_id{9999}, spec});
  constexpr task_index count = 20'000;
  std::set<task_index> back;
  std::size_t kept = 0;
  for (task_index base = 0; base < count; base += 100) {
    protocol::assign batch;
    protocol::recall some;
    for (task_index i = base; i < base + 100; ++i) {
      batch.items.push_back({task_id{job_id{7}, i}, 1, template_id{9999}, {}, {}, false});
      if (i % 2) some.items.push_back(w.ref(i));
    }
    w.exec().assign(std::move(batch));
    auto answer = w.exec().recall(some);
    for (const auto& r : answer.items) back.insert(r.task.index);
    kept += answer.kept.size();
  }
  CHECK(back.size() + kept == count / 2);
  CHECK(eventually([&] { return w.finished_count() + back.size() == count; }));
  CHECK(w.exec().held().empty());
}

TEST_CASE("cancels from several threads end every task exactly once") {
  executor_world w{3};
  std::vector<task_index> tasks;
  for (int i = 0; i < 60; ++i) tasks.push_back(w.call("wait_for_stop"));
  std::vector<std::thread> threads;
  for (int n = 0; n < 3; ++n)
    threads.emplace_back([&w, &tasks] {
      for (auto t : tasks) w.exec().cancel({{w.ref(t)}, "x"});
    });
  for (auto& t : threads) t.join();
  for (auto t : tasks) CHECK(w.outcome(t).outcome == outcome::cancelled);
  CHECK(w.exec().stats().finished == 60);
}

TEST_CASE("results of short tasks do not wait for the long one that follows them") {
  executor_world w{1};
  auto go = (w.folder() / "go").string();
  task_spec spec;
  spec.function = "noop";
  task_spec last;
  last.function = "ignore_stop";
  w.exec().define({template_id{9998}, spec});
  w.exec().define({template_id{9999}, last});
  protocol::assign batch;
  for (task_index i = 0; i < 50; ++i)
    batch.items.push_back({task_id{job_id{7}, i}, 1, template_id{9998}, {}, {}, false});
  batch.items.push_back(
      {task_id{job_id{7}, 50}, 1, template_id{9999}, pack_arguments(go), {}, false});
  w.exec().assign(std::move(batch));
  CHECK(w.outcome(49).outcome == outcome::succeeded);  // while the last one runs: woken, not polled
  CHECK(w.finished_count() == 50);
  std::ofstream{go} << "x";
  CHECK(w.outcome(50).outcome == outcome::succeeded);
}

// ---- the owner's thread -----------------------------------------------------------------------

namespace {

// An owner that lends the thread of the test. Nothing runs on it but in run().
struct lending_world {
  std::atomic<int> asked{0}, handed_over{0};
  executor_world world;

  explicit lending_world(std::uint32_t slots = 1, duration longest_stay = 500ms)
      : world(slots,
              [=](executor_settings& s) { s.core.short_call = 1min, s.longest_stay = longest_stay; },
              [this](executor&) { ++asked; }, [this] { ++handed_over; }) {}

  // Nothing is too long here, however busy the machine is: a few calls make a function known.
  void make_known(const std::string& function, const value& arguments = {}, int calls = 16) {
    for (int i = 0; i < calls; ++i) {
      world.outcome(world.call(function, arguments));
      CHECK(asked == 0);
    }
  }
  void run() {
    asked = 0;
    world.exec().run_short();
  }
};

std::size_t this_thread() { return std::hash<std::thread::id>{}(std::this_thread::get_id()); }

}  // namespace

TEST_CASE("calls that are known to be short run on the thread that the owner lends, others do not") {
  lending_world w;
  auto first = w.world.outcome(w.world.call("thread"));
  CHECK(first.result.as<std::size_t>() != this_thread());
  w.make_known("thread", {}, 15);

  auto index = w.world.call("thread");
  REQUIRE(w.asked == 1);
  CHECK_FALSE(w.world.finished(index));
  w.run();
  REQUIRE(w.world.finished(index));
  CHECK(w.world.outcome(index).result.as<std::size_t>() == this_thread());

  auto other = w.world.outcome(w.world.call("getpid"));  // in a slot: not known yet
  CHECK(other.outcome == protocol::outcome::succeeded);
  CHECK(w.asked == 0);
}

TEST_CASE("the thread is asked for once, however many short calls there are") {
  lending_world w;
  w.make_known("noop");
  for (int i = 0; i < 20; ++i) w.world.call("noop");
  CHECK(w.asked == 1);
  auto before = w.world.finished_count();
  // Half a millisecond at a time; what is left is asked for again.
  REQUIRE(eventually([&] {
    if (w.asked > 0) w.run();
    return w.world.finished_count() == before + 20;
  }));
}

TEST_CASE("a short call that turns out long has the thread handed over, and others go on") {
  lending_world w{2};
  w.make_known("ignore_stop", value::of(std::make_tuple(std::string{"/"})));
  w.make_known("thread");

  auto file = (w.world.folder() / "go").string();
  auto slow = w.world.call("ignore_stop", value::of(std::make_tuple(file)));
  REQUIRE(w.asked == 1);
  std::size_t lent = 0;
  std::thread first{[&] {
    lent = this_thread();
    w.run();
  }};
  CHECK(eventually([&] { return w.handed_over == 1; }));
  CHECK(w.world.exec().load().running == 1);

  auto quick = w.world.call("thread");  // on the new thread: this one
  CHECK(w.asked == 1);
  w.run();
  CHECK(w.world.outcome(quick).result.as<std::size_t>() == this_thread());

  std::ofstream{file} << "now";
  CHECK(w.world.outcome(slow).outcome == protocol::outcome::succeeded);
  first.join();
  CHECK(w.handed_over == 1);
}

TEST_CASE("a call that stays has the thread handed over, however long none has stayed") {
  constexpr auto longest = 100ms;
  lending_world w{1, longest};
  w.make_known("ignore_stop", value::of(std::make_tuple(std::string{"/"})));
  auto begin = clock::now();
  REQUIRE(eventually([&] { return clock::now() - begin > 10 * longest; }));  // none has stayed for so long
  auto file = (w.world.folder() / "go").string();
  std::thread lent{[&] {
    while (w.asked == 0) std::this_thread::yield();
    w.run();
  }};
  auto slow = w.world.call("ignore_stop", value::of(std::make_tuple(file)));
  CHECK(eventually([&] { return w.handed_over == 1; }));
  std::ofstream{file} << "now";
  CHECK(w.world.outcome(slow).outcome == protocol::outcome::succeeded);
  lent.join();
}

TEST_CASE("a short call on the lent thread can be cancelled and has its time limit") {
  lending_world w{2};
  w.make_known("wait_until_stop_or", value::of(std::make_tuple(true)));
  auto task = w.world.call("wait_until_stop_or", value::of(std::make_tuple(false)));
  REQUIRE(w.asked == 1);
  std::thread lent{[&] { w.run(); }};
  CHECK(eventually([&] { return w.world.has_started(task); }));
  w.world.exec().cancel({{executor_world::ref(task)}, "enough"});
  CHECK(w.world.outcome(task).outcome == protocol::outcome::cancelled);
  lent.join();
}

TEST_CASE("short calls do not wait for a lent thread that is busy with something else") {
  lending_world w;
  w.make_known("noop");
  auto task = w.world.call("noop");
  REQUIRE(w.asked == 1);
  // Nobody calls run_short().
  CHECK(w.world.outcome(task).outcome == protocol::outcome::succeeded);
  w.run();  // late: there is nothing left, and the thread is asked for again the next time
  w.world.call("noop");
  CHECK(w.asked == 1);
}

TEST_CASE("a stop callback that hangs holds up neither time limits nor other stops' answers") {
  executor_world w{3};
  auto file = (w.folder() / "go").string();
  auto arguments = value::of(std::make_tuple(file));
  auto hangs = w.call("hang_in_stop_callback", arguments);
  REQUIRE(eventually([&] { return w.has_started(hangs); }));
  w.exec().cancel({{executor_world::ref(hangs)}, "enough"});
  task_options limited;
  limited.timeout = 50ms;
  auto late = w.shell("exec sleep 600", limited);
  auto outcome = w.outcome(late);
  REQUIRE(outcome.error);
  CHECK(outcome.error->code == errc::timed_out);
  std::ofstream{file} << "now";
  CHECK(w.outcome(hangs).outcome == protocol::outcome::cancelled);
}
