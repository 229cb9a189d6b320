#include "tests/libruntime/scheduler/rig.hpp"

namespace troupe::scheduler::testing {

TEST_CASE("a submission that is repeated after a reconnect is the same job") {
  rig r;
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 10);
  r.send(client_left{client_id{1}});
  r.join_client(2, 101);
  CHECK(r.jobs[1] == job);
  r.send(from_client{client_id{2}, protocol::open_job{1, "job", {}, true, false, 0}});
  r.send(from_client{client_id{2}, protocol::define_template{1, 0, call("f")}});
  r.send(from_client{client_id{2}, protocol::add_tasks{1, 0, 0, 10, {}}});
  r.send(from_client{client_id{2}, protocol::add_tasks{1, 0, 5, 10, {}}});  // half of it is new
  r.send(from_client{client_id{2}, protocol::close_job{1}});
  r.send(from_client{client_id{2}, protocol::close_job{1}});
  CHECK(r.count(task_state::ready) == 15);
  CHECK(r.scheduler.jobs().size() == 1);
  CHECK_FALSE(r.refused.contains(1));
}

TEST_CASE("a client that comes back hears again what it has not released") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 3);
  r.run_everything();
  r.release(job, 0, 1);
  r.send(client_left{client_id{1}});
  r.clients.clear();
  r.join_client(2, 101);
  CHECK(r.client(1000, 2).results.size() == 2);
  CHECK(r.client(1000, 2).results.contains(1));
  REQUIRE(r.client(1000, 2).end);
  CHECK(r.client(1000, 2).end->succeeded == 3);
}

TEST_CASE("a client's jobs end when it has been gone for the grace; detached ones go on") {
  rig r;
  auto own = r.map("f", 2);
  auto detached = r.map("f", 2, {}, {.lifetime = protocol::lifetime::detached});
  r.send(client_left{client_id{1}});
  r.tick(seconds{29});
  CHECK(r.count(task_state::ready) == 4);
  r.tick(seconds{2});
  CHECK(r.state({own, 0}) == task_state::cancelled);
  CHECK(r.why({own, 0}) == "cancelled: its client has been gone for 30 s");
  CHECK(r.state({detached, 0}) == task_state::ready);
  CHECK(r.scheduler.job(own)->done);
}

TEST_CASE("within the grace a client takes up where it was; after it, it is told") {
  rig r;
  auto job = r.map("f", 2);
  r.send(client_left{client_id{1}});
  r.tick(seconds{20});
  r.join_client(2, 101);
  r.tick(seconds{20});
  CHECK(r.count(task_state::ready) == 2);
  r.send(client_left{client_id{2}});
  r.tick(seconds{40});
  r.join_client(3, 101);
  REQUIRE(r.refused.contains(1000));
  CHECK(r.refused[1000].code == errc::cancelled);
  (void)job;
}

TEST_CASE("nobody resumes what belongs to another owner") {
  rig r;
  r.map("f", 2);
  r.send(client_left{client_id{1}});
  r.jobs.clear();
  r.join_client(2, 101, "eve");
  CHECK(r.jobs.empty());
}

TEST_CASE("a client never has more credit than its window, and gets it back as tasks are taken") {
  core_settings s;
  s.submit_window = 100;
  rig r{s};
  CHECK(r.credit[1] == 100);
  r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 100);
  CHECK(r.credit[1] == 200);
  r.send(from_client{client_id{1}, protocol::add_tasks{1, 0, 100, 101, {}}});
  REQUIRE(r.refused.contains(1));
  CHECK(r.refused[1].code == errc::overloaded);
  CHECK(r.refused[1].message.find("more tasks were sent than credit was given for") == 0);
}

TEST_CASE("credit says how many of the link's tasks have come, whatever it was given for") {
  core_settings s;
  s.submit_window = 100;
  s.max_tasks = 120;
  rig r{s};
  r.join_client(2, 102);
  CHECK(r.credit[2] == 20);
  r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 60);
  r.worker(1, {.slots = 60});
  r.open(2, {.client = 2});
  r.finish_all(1);  // room for both: the second client has sent nothing yet
  CHECK(r.credit[2] > 20);
  CHECK(r.received[2] == 0);
  r.add(1, 40);
  r.finish_all(1);
  CHECK(r.received[1] == 100);
  r.join_client(3, 101);  // the first one on a new link
  CHECK(r.received[3] == 0);
}

TEST_CASE("tasks and credit together never exceed max_tasks; credit flows again as tasks end") {
  core_settings s;
  s.submit_window = 100;
  s.max_tasks = 250;
  rig r{s};
  r.join_client(2, 102);
  r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 100);
  CHECK(r.credit[1] == 150);  // 100 tasks, 50 + 100 of credit
  r.add(1, 50);
  CHECK(r.credit[1] == 150);
  r.worker(1, {.slots = 60});
  r.finish_all(1);
  CHECK(r.credit[1] > 200);
}

TEST_CASE("arguments that would take too much memory are refused in words") {
  core_settings s;
  s.arguments_memory = 1 << 20;
  rig r{s};
  r.open(1);
  r.define(1, 0, call("f"));
  protocol::new_task t;
  t.arguments = value::of(std::string(600'000, 'x'));
  r.add(1, {t});
  CHECK_FALSE(r.refused.contains(1));
  r.add(1, {t});
  REQUIRE(r.refused.contains(1));
  CHECK(r.refused[1].code == errc::overloaded);
  CHECK(r.refused[1].message.find("more than 1 MiB") != std::string::npos);
}

TEST_CASE("of calls that were submitted one by one, only those fail for whose arguments is no room") {
  core_settings s;
  s.arguments_memory = 1 << 20;
  rig r{s};
  r.worker(1);
  auto job = r.open(1, {.independent = true});
  r.define(1, 0, call("f"));
  protocol::new_task large, small;
  large.arguments = value::of(std::string(600'000, 'x'));
  small.arguments = value::of(1);
  r.add(1, {large, large, small});
  CHECK_FALSE(r.refused.contains(1));
  CHECK(r.state({job, 0}) == task_state::assigned);
  REQUIRE(r.client(1).results.contains(1));
  CHECK(r.client(1).results.at(1).error->code == errc::overloaded);
  r.run_everything();
  CHECK(r.state({job, 2}) == task_state::finished);
}

TEST_CASE("messages that make no sense are refused, and later ones of that job ignored") {
  rig r;
  SECTION("tasks of a job that was not opened") {
    r.add(9, 1);
    CHECK(r.refused[9].code == errc::not_found);
  }
  SECTION("a gap") {
    r.open(1);
    r.define(1, 0, call("f"));
    r.send(from_client{client_id{1}, protocol::add_tasks{1, 0, 5, 1, {}}});
    CHECK(r.refused[1].message == "tasks from position 5 came after 0");
    r.refused.clear();
    r.send(from_client{client_id{1}, protocol::add_tasks{1, 0, 0, 1, {}}});
    r.close(1);
    CHECK(r.refused.empty());
    CHECK(r.count(task_state::ready) == 0);
  }
  SECTION("a template that was never defined") {
    r.open(1);
    r.add(1, 1, 3);
    CHECK(r.refused[1].message == "no template 3");
  }
  SECTION("tasks after the end") {
    r.map("f", 1);
    r.send(from_client{client_id{1}, protocol::add_tasks{1000, 0, 1, 1, {}}});
    CHECK(r.refused[1000].message == "tasks came after the job was closed");
  }
}

TEST_CASE("indexes start where the client wants") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 2, {}, {.first_index = 1});
  CHECK(r.window(1) == std::vector<task_index>{1, 2});
  r.finish({job, 1}, value::of(1));
  CHECK(r.client(1000).results.contains(1));
  r.cancel(job, {{0, 2}});
  CHECK(r.state({job, 2}) == task_state::assigned);
  auto missing = r.scheduler.why({job, 0}, r.now);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "job 1 has no task 0");
}

TEST_CASE("the story is numbered without gaps, and large jobs tell only what matters") {
  rig r;
  r.worker(1, {.slots = 1});
  auto small = r.map("f", 1);
  r.started({small, 0});
  r.finish({small, 0});
  CHECK(r.told(protocol::event_kind::job_opened, "job"));
  CHECK(r.told(protocol::event_kind::task_started, "on w1"));
  CHECK(r.told(protocol::event_kind::job_finished, "1 finished, 0 failed, 0 cancelled"));
  auto before = r.story.size();
  auto large = r.map("f", 5000);
  CHECK(r.story.size() <= before + 2);
  r.fail({large, 0}, "disk full");
  CHECK(r.told(protocol::event_kind::task_finished, "failed: task_error: disk full"));
}

TEST_CASE("the same events give the same actions") {
  auto run = [] {
    rig r;
    r.worker(1, {.slots = 3});
    r.worker(2, {.slots = 2});
    r.map("f", 50);
    r.map("g", 20);
    r.finish_all(1);
    r.die(2);
    r.worker(3, {.slots = 2});
    r.finish_all(1);
    std::string text;
    for (const auto& [w, tasks] : r.order) {
      text += std::to_string(w) + ':';
      for (auto t : tasks) text += ' ' + to_string(t);
    }
    return text;
  };
  CHECK(run() == run());
}

}  // namespace troupe::scheduler::testing
