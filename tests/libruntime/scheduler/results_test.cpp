#include "tests/libruntime/scheduler/rig.hpp"

namespace troupe::scheduler::testing {
namespace {

value big(std::size_t n) { return value::of(std::string(n, 'x')); }

}  // namespace

TEST_CASE("a client's result is kept until it is released") {
  rig r;
  r.worker(1);
  auto job = r.map("f", 1);
  r.finish({job, 0}, big(5000));
  CHECK(r.scheduler.snapshot(r.now).result_bytes > 5000);
  CHECK(r.scheduler.result_of({job, 0}));
  r.release(job, 0, 1);
  CHECK(r.scheduler.snapshot(r.now).result_bytes == 0);
  auto gone = r.scheduler.result_of({job, 0});
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == errc::result_lost);
}

TEST_CASE("results nobody asked for are not kept; detached ones are") {
  rig r;
  r.worker(1);
  auto unwanted = r.map("f", 1, {}, {.want_results = false});
  r.finish({unwanted, 0}, big(100));
  CHECK(r.scheduler.snapshot(r.now).retained_results == 0);
  auto detached =
      r.map("f", 1, {}, {.lifetime = protocol::lifetime::detached, .want_results = false});
  r.finish({detached, 0}, big(100));
  CHECK(r.scheduler.result_of({detached, 0}));
}

TEST_CASE("over the limit the largest and oldest results go to disk, each once") {
  core_settings s;
  s.results_memory = 200'000;
  rig r{s};
  r.worker(1);
  auto job = r.map("f", 5);
  r.finish({job, 0}, big(10'000));
  r.finish({job, 1}, big(100'000));
  CHECK(r.spills.empty());
  r.finish({job, 2}, big(100'000));
  REQUIRE(r.spills.size() == 1);
  REQUIRE(r.spills.contains({job, 1}));
  r.finish({job, 3}, big(100'000));
  CHECK(r.spills.size() == 2);
  auto bytes = r.spills[{job, 1}];
  r.send(result_spilled{{job, 1}, value::wrap(bytes.data(), [bytes] {})});
  auto read = r.scheduler.result_of({job, 1});
  REQUIRE(read);
  CHECK(*read == bytes);
  CHECK_FALSE(read->is_heap());
  CHECK(r.scheduler.snapshot(r.now).result_bytes < 220'000);
}

TEST_CASE("where disk and memory have no room a result is refused, until some are let go") {
  core_settings s;
  s.results_memory = 200'000;
  rig r{s};
  r.worker(1);
  auto job = r.map("f", 7);
  for (task_index i = 0; i < 3; ++i) r.finish({job, i}, big(90'000));
  REQUIRE(r.spills.contains({job, 0}));
  auto bytes = r.spills[{job, 0}];
  r.send(result_spilled{{job, 0}, value::wrap(bytes.data(), [bytes] {})});
  r.finish({job, 3}, big(90'000));
  REQUIRE(r.spills.contains({job, 1}));
  r.send(result_not_spilled{{job, 1}, "the disk is full"});
  CHECK(r.told(protocol::event_kind::pool_changed, "results stay in memory: the disk is full"));
  CHECK(r.scheduler.result_of({job, 1}));  // what was kept is kept

  r.finish({job, 4}, big(90'000));
  const auto& refused = r.client(1000).results.at(4);
  REQUIRE(refused.error);
  CHECK(refused.error->code == errc::overloaded);
  CHECK(refused.error->message.find("no room for its result of 90005 bytes: ") == 0);
  CHECK(refused.error->message.find("the disk is full") != std::string::npos);
  r.finish({job, 5}, big(100));  // costs little more than its record
  CHECK(r.client(1000).results.at(5).outcome == protocol::outcome::succeeded);

  r.spills.clear();
  r.release(job, 0, 1);  // it was on disk: what is over the limit is tried again
  CHECK(r.spills.contains({job, 1}));
  r.finish({job, 6}, big(90'000));
  CHECK(r.client(1000).results.at(6).outcome == protocol::outcome::succeeded);
}

TEST_CASE("results of one event travel together, but no message grows without bound") {
  rig r;
  r.check = false;
  r.worker(1, {.slots = 500, .functions = {"f"}});
  r.map("f", 20'000);
  r.run_everything();
  CHECK(r.client(1000).items == 20'000);
  CHECK(r.client(1000).messages < 100);

  r.worker(2, {.slots = 8, .functions = {"g"}});
  r.map("g", 8);
  protocol::finished batch{1, {}};
  auto held = r.workers[2];
  for (const auto& [id, t] : held)
    batch.items.push_back({id, t.attempt, protocol::outcome::succeeded, {}, big(100'000), {}});
  r.send(from_worker{worker_id{2}, batch});
  CHECK(r.client(1001).items >= 7);
  CHECK(r.client(1001).messages >= r.client(1001).items / 2);
}

TEST_CASE("one who watches a job hears what has ended, what ends, and the end") {
  rig r;
  r.worker(1, {.slots = 2});
  auto job = r.map("f", 2);
  r.finish({job, 0}, value::of(1));
  r.join_client(2, 102);
  r.send(watch_job{client_id{2}, job, 55, false});
  CHECK(r.client(55, 2).results.size() == 1);
  CHECK(r.client(55, 2).results.at(0).result.is_nil());
  r.send(watch_job{client_id{2}, job, 56, true});
  CHECK(r.client(56, 2).results.at(0).result.as<int>() == 1);
  r.finish({job, 1}, value::of(2));
  CHECK(r.client(55, 2).results.at(1).result.is_nil());
  CHECK(r.client(56, 2).results.at(1).result.as<int>() == 2);
  CHECK(r.client(55, 2).end);
  r.send(watch_job{client_id{2}, job, 57, true});  // too late for anything but the end
  CHECK(r.client(57, 2).results.size() == 2);
  CHECK(r.client(57, 2).end->succeeded == 2);
}

TEST_CASE("finished detached jobs are kept by time and by count") {
  core_settings s;
  s.retention_jobs = 3;
  s.retention_time = seconds{100};
  rig r{s};
  r.worker(1);
  std::vector<job_id> jobs;
  for (int i = 0; i < 5; ++i) {
    jobs.push_back(r.map("f", 1, {}, {.lifetime = protocol::lifetime::detached}));
    r.run_everything();
  }
  CHECK_FALSE(r.scheduler.job(jobs[0]));
  CHECK_FALSE(r.scheduler.job(jobs[1]));
  CHECK(r.scheduler.job(jobs[4]));
  CHECK(r.why({jobs[0], 0}) == "not_found: job 1 is no longer kept");
  r.tick(seconds{101});
  CHECK(r.scheduler.jobs().empty());
  CHECK(r.scheduler.snapshot(r.now).retained_results == 0);
  CHECK(r.scheduler.snapshot(r.now).shapes.empty());
}

TEST_CASE("jobs that are only kept to be looked at make room; the last detached one is kept whole") {
  core_settings s;
  s.retention_tasks = 20;
  s.retention_tasks_seen = 10;
  rig r{s};
  r.worker(1);
  auto run = [&](std::uint32_t n, protocol::lifetime lifetime) {
    auto job = r.map("f", n, {}, {.lifetime = lifetime});
    r.run_everything();
    if (lifetime == protocol::lifetime::client) r.release(job, 0, n);
    return job;
  };
  auto large = run(30, protocol::lifetime::detached);
  CHECK(r.scheduler.result_of({large, 29}));
  auto seen = run(8, protocol::lifetime::client);
  CHECK(r.scheduler.job(seen));
  CHECK(r.scheduler.job(run(2, protocol::lifetime::client)));
  CHECK(r.scheduler.job(seen));
  auto again = run(8, protocol::lifetime::client);
  CHECK_FALSE(r.scheduler.job(seen));
  CHECK(r.scheduler.job(again));
  CHECK(r.scheduler.job(large));
  CHECK(r.scheduler.job(run(5, protocol::lifetime::detached)));
  CHECK_FALSE(r.scheduler.job(large));
  CHECK(r.scheduler.job(again));
}

TEST_CASE("a finished job whose result somebody still needs outlives its retention") {
  core_settings s;
  s.retention_time = seconds{10};
  rig r{s};
  r.worker(1, {.functions = {"f"}});
  auto first = r.map("f", 1, {}, {.lifetime = protocol::lifetime::detached});
  r.finish({first, 0}, value::of(1));
  auto second = r.open(2);
  r.define(2, 0, call("g"));
  r.add(2, {task({in_job(first, 0)})});
  r.tick(seconds{8});
  r.send(from_worker{worker_id{1}, protocol::heartbeat{}});
  r.tick(seconds{8});
  CHECK(r.scheduler.result_of({first, 0}));
  r.worker(2);
  r.finish({second, 0});
  r.tick(seconds{30});
  CHECK_FALSE(r.scheduler.job(first));
}

}  // namespace troupe::scheduler::testing
