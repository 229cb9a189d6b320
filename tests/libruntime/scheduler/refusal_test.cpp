#include "tests/libruntime/scheduler/rig.hpp"

namespace troupe::scheduler::testing {
namespace {

pool_offer offer(std::string name, resource_set resources, std::vector<std::string> functions) {
  return {std::move(name), true, std::move(resources), std::move(functions), true, 4, 0, ""};
}

}  // namespace

TEST_CASE("a function that no pool can know is refused, with the nearest names") {
  rig r;
  r.pools({offer("here", {{"cpus", 4}}, {"wordcount.count", "wordcount.merge", "sleep"})});
  r.map("wordcount.cuont", 1);
  REQUIRE(r.refused.contains(1000));
  CHECK(r.refused[1000].code == errc::unknown_function);
  CHECK(r.refused[1000].message ==
        "no pool knows a function \"wordcount.cuont\": did you mean \"wordcount.count\" or "
        "\"wordcount.merge\"?");
}

TEST_CASE("where a pool's functions aren't known yet, an unknown one waits, and why says for what") {
  rig r;
  auto far = offer("far", {{"cpus", 4}}, {});
  far.functions_known = false;
  r.pools({offer("here", {{"cpus", 4}}, {"f"}), far});
  auto job = r.map("mystery", 1);
  CHECK_FALSE(r.refused.contains(1000));
  CHECK(r.why({job, 0}) ==
        "pool \"here\" doesn't know mystery"
        "; pool \"far\" has 0 workers of at most 4, may know mystery: its workers have yet to say");
}

TEST_CASE("a resource that no pool could ever have is refused, with the most there is") {
  rig r;
  r.pools({offer("here", {{"cpus", 4}}, {"f"}), offer("gpu", {{"cpus", 8}, {"GPU", 2}}, {"f"})});
  task_options o;
  SECTION("too much of it") {
    o.resources = {{"GPU", 4}};
    r.map("f", 1, o);
    CHECK(r.refused[1000].code == errc::infeasible);
    CHECK(r.refused[1000].message ==
          "no pool could ever offer GPU=4: the most is GPU=2, of pool \"gpu\"");
  }
  SECTION("none of it anywhere") {
    o.resources = {{"licence", 1}};
    r.map("f", 1, o);
    CHECK(r.refused[1000].message == "no pool could ever offer licence=1: none has any licence");
  }
  SECTION("not in the pool it must run in") {
    o.resources = {{"GPU", 1}};
    o.pool = "here";
    r.map("f", 1, o);
    CHECK(r.refused[1000].code == errc::infeasible);
  }
  SECTION("a pool that isn't there") {
    o.pool = "heer";
    r.map("f", 1, o);
    CHECK(r.refused[1000].code == errc::not_found);
    CHECK(r.refused[1000].message == "there is no pool \"heer\": did you mean \"here\"?");
  }
}

TEST_CASE("people see that a job was refused, and why") {
  rig r;
  r.pools({offer("here", {{"cpus", 1}}, {"f"})});
  auto job = r.map("nonsense", 1);
  auto view = r.scheduler.job(job);
  REQUIRE(view);
  CHECK(view->refused);
  REQUIRE(view->error);
  CHECK(view->error->code == errc::unknown_function);
}

TEST_CASE("a refusal ends what the job has running already") {
  rig r;
  r.pools({offer("here", {{"cpus", 1}}, {"f"})});
  r.worker(1);
  auto job = r.open(1);
  r.define(1, 0, call("f"));
  r.add(1, 3);
  REQUIRE(r.held_by(1) == 2);
  r.define(1, 1, call("nonsense"));
  REQUIRE(r.refused.contains(1));
  CHECK(r.workers[1].at({job, 0}).cancelling);
  CHECK(r.count(task_state::ready) == 0);
  r.ended_cancelled({job, 0});
  r.ended_cancelled({job, 1});
  CHECK(r.scheduler.job(job)->done);
  CHECK(r.client(1).results.empty());  // the refusal says it all
}

TEST_CASE("before any pool is known everything is taken") {
  rig r;
  r.map("whatever", 1);
  CHECK(r.refused.empty());
}

TEST_CASE("why names the pool that is at its maximum, backing off, or disabled") {
  rig r;
  auto here = offer("here", {{"cpus", 1}}, {"f"});
  here.workers = 4;
  auto gpu = offer("gpu", {{"cpus", 4}, {"GPU", 1}}, {"f"});
  gpu.trouble = "is backing off for 20 s, because the quota is used up";
  auto off = offer("off", {{"cpus", 4}, {"GPU", 1}}, {"f"});
  off.enabled = false;
  r.pools({here, gpu, off});
  r.worker(1);
  auto job = r.map("f", 3);
  CHECK(r.why({job, 0}).find("sent to run on w1") == 0);
  const std::string no_slot =
        "no free slot (cpus=1) on 1 worker that could run it"
        "; pool \"here\" is at its maximum of 4 workers"
        "; pool \"gpu\" has 0 workers of at most 4, is backing off for 20 s, because the quota is "
        "used up; pool \"off\" is disabled (its max is 0)";
  CHECK(r.why({job, 1}) == "next in the window of w1, which runs 1 other task; " + no_slot);
  CHECK(r.why({job, 2}) == no_slot);
  task_options o;
  o.resources = {{"GPU", 1}};
  auto special = r.map("f", 1, o);
  CHECK(r.why({special, 0}) ==
        "pool \"here\" has too little GPU"
        "; pool \"gpu\" has 0 workers of at most 4, is backing off for 20 s, because the quota is "
        "used up; pool \"off\" is disabled (its max is 0)");
}

}  // namespace troupe::scheduler::testing
