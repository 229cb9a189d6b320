// The pool core, rule by rule.
#include "providers/pool_core.hpp"

#include "providers/launch_backoff.hpp"
#include "tests/providers/pool_rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::providers::test {

TEST_CASE("nothing is launched before the first list is answered") {
  fake_settings f;
  f.call_delay_min = f.call_delay_max = 1s;
  pool_rig r({}, f);
  r.target(3);
  CHECK(r.launch_times.empty());
  r.start();
  r.run(500ms);
  CHECK(r.status().launching() == 0);
  r.run(600ms);
  CHECK(r.status().requested == 3);
}

TEST_CASE("a pool reaches its target, and every launch is in the ledger first") {
  pool_rig r;
  r.start();
  r.target(4);
  r.run(5s);
  CHECK(r.registered() == 4);
  CHECK(r.ledger.size() == 4);
  CHECK(r.fake.alive() == 4);
}

TEST_CASE("states are visible: requested, booting, registered, draining, terminating") {
  fake_settings f;
  f.call_delay_min = f.call_delay_max = 1s;
  f.stop_delay = 1s;
  pool_rig r({}, f);
  r.start();
  r.run(1s);
  r.target(1);
  CHECK(r.status().requested == 1);
  r.run(1s);
  CHECK(r.status().booting == 1);
  r.run(1s);
  CHECK(r.status().registered == 1);
  auto w = r.workers().at(0);
  r.target(0, {w});
  CHECK(r.status().draining == 1);
  CHECK(r.status().takeable == std::vector{w});
  r.send(event::drain_complete{w});
  CHECK(r.status().terminating == 1);
  r.run(3s);
  CHECK(r.status().terminating == 0);
  CHECK(r.fake.alive() == 0);
  CHECK(r.ledger.empty());
  REQUIRE(r.over.size() == 1);
  CHECK(r.over[0].deliberate);
}

TEST_CASE("what leaves is not replaced beyond the ceiling, where pools share a limit") {
  pool_rig r;
  r.ceiling = 2;
  r.start();
  r.target(2);
  r.run(5s);
  REQUIRE(r.registered() == 2);
  r.send(event::drain_requested{r.workers().at(0)});
  r.run(5s);
  CHECK(r.status().draining == 1);
  CHECK(r.status().launching() + r.registered() == 1);
  r.ceiling.reset();
  r.target(2);
  r.run(5s);
  CHECK(r.registered() == 2);
}

TEST_CASE("only named workers are drained, and no more than the target asks for") {
  pool_rig r;
  r.start();
  r.target(4);
  r.run(5s);
  auto all = r.workers();
  r.target(3, all);
  CHECK(r.status().draining == 1);
  CHECK(r.draining == std::set{all[0]});
  r.target(1);
  CHECK(r.status().draining == 1);
}

TEST_CASE("a draining worker is taken back") {
  pool_rig r;
  r.start();
  r.target(2);
  r.run(5s);
  auto all = r.workers();
  r.target(1, {all[0]});
  r.target(2, {}, {all[0]});
  CHECK(r.status().registered == 2);
  CHECK(r.draining.empty());
  CHECK(r.core.counters().launches == 2);
}

TEST_CASE("pending launches are cancelled, those that were answered last first") {
  fake_settings f;
  f.boot_min = f.boot_max = 30s;
  pool_rig r({}, f);
  r.start();
  r.target(4);
  r.run(1s);
  CHECK(r.status().booting == 4);
  r.target(1);
  CHECK(r.status().booting == 1);
  r.run(40s);
  CHECK(r.registered() == 1);
  CHECK(r.fake.alive() == 1);
  CHECK(r.core.counters().failed_starts == 0);
}

TEST_CASE("a target that goes up and down while calls are open buys nothing twice") {
  fake_settings f;
  f.call_delay_min = f.call_delay_max = 10s;
  f.boot_min = f.boot_max = 20s;
  pool_rig r({}, f);
  r.max = 10;
  r.start();
  r.run(11s);
  for (int i = 0; i < 20; ++i) {
    r.target(10);
    r.run(100ms);
    r.target(0);
    r.run(100ms);
  }
  r.target(10);
  r.run(1min);
  CHECK(r.registered() == 10);
  CHECK(r.fake.started() == 10);
}

TEST_CASE("a program that exits at once is not restarted in a hot loop, and the reason is shown") {
  fake_settings f;
  f.faults.dies_booting = 1;
  pool_rig r({}, f);
  r.start();
  r.target(4);
  r.run(1h);
  CHECK(r.fake.started() < 40);
  auto s = r.status();
  REQUIRE(s.backoff);
  CHECK(s.backoff->reason.find("died while booting") != std::string::npos);
  CHECK(s.backoff->failures > 5);
  CHECK(s.probing);
  CHECK(r.reported("ended before it registered"));
}

TEST_CASE("after failures one launch is tried at a time; one that registers opens the way") {
  fake_settings f;
  f.faults.dies_booting = 1;
  pool_rig r({}, f);
  r.start();
  r.target(6);
  r.run(1min);
  const auto before = r.fake.started();
  r.run(5min);
  CHECK(r.fake.started() - before < 10);
  CHECK(r.status().launching() <= 1);
  r.fake.settings().faults.dies_booting = 0;
  r.run(6min);
  CHECK(r.registered() == 6);
  CHECK_FALSE(r.status().backoff);
}

TEST_CASE("a launch whose worker never registers ends at its boot deadline") {
  fake_settings f;
  f.faults.never_boots = 1;
  pool_core_settings s;
  s.boot_deadline = 30s;
  pool_rig r(s, f);
  r.start();
  r.target(1);
  r.run(31s);
  CHECK(r.core.counters().boot_timeouts == 1);
  REQUIRE(r.status().backoff);
  CHECK(r.status().backoff->reason.find("no worker registered within 30s") != std::string::npos);
  CHECK(r.terminated.size() == 1);
}

TEST_CASE("changed settings hold for launches and failures from then on") {
  fake_settings f;
  f.faults.never_boots = 1;
  pool_core_settings s;
  s.boot_deadline = 30s;
  pool_rig r(s, f);
  r.start();
  r.target(1);
  r.run(31s);
  REQUIRE(r.core.counters().boot_timeouts == 1);
  launch_settings patient;
  patient.backoff_initial = patient.backoff_max = 1h;
  r.send(event::settings_changed{patient, 5s, 1min});
  // The wait that has begun goes on as it was.
  r.run(30s);
  CHECK(r.core.counters().boot_timeouts == 2);
  const auto until = r.status().backoff.value().until;
  r.run(20min);
  CHECK(r.core.counters().boot_timeouts == 2);
  CHECK(r.status().backoff.value().until == until);
}

TEST_CASE("a worker that dies is replaced at once") {
  pool_rig r;
  r.start();
  r.target(2);
  r.run(5s);
  auto dead = r.workers().at(0);
  r.fake.kill(r.instance_of(dead), "killed by signal 9");
  CHECK(r.status().launching() == 1);
  REQUIRE(r.over.size() == 1);
  CHECK(r.over[0].worker == dead);
  CHECK(r.over[0].reason == "killed by signal 9");
  CHECK_FALSE(r.over[0].deliberate);
  r.run(2s);
  CHECK(r.registered() == 2);
}

TEST_CASE("more deaths than the limit in a minute are followed by a wait") {
  pool_rig r;
  r.start();
  r.target(1);
  for (int i = 0; i < 5; ++i) {
    r.run(2s);
    r.fake.kill(r.instance_of(r.workers().at(0)));
    CHECK(r.status().launching() == 1);
  }
  r.run(2s);
  r.fake.kill(r.instance_of(r.workers().at(0)));
  CHECK(r.status().launching() == 0);
  REQUIRE(r.status().backoff);
  CHECK(r.status().backoff->reason.find("more than 5 workers died within a minute") !=
        std::string::npos);
  r.run(10s);
  CHECK(r.registered() == 1);
}

TEST_CASE("many workers that die together count as one reason to wait") {
  pool_rig r;
  r.start();
  r.target(50);
  r.run(5s);
  for (auto w : r.workers()) r.fake.kill(r.instance_of(w));
  r.run(10s);
  CHECK(r.registered() == 50);
}

TEST_CASE("instances of an earlier start are ended, other pools' are left alone") {
  pool_rig r({}, {}, {"here.6.1", "here.6.2"});
  auto a = r.fake.plant("here", "here.6.1");
  auto b = r.fake.plant("here", "here.5.9");
  auto other = r.fake.plant("there", "there.6.1");
  r.start();
  r.target(1);
  r.run(5s);
  CHECK(r.terminated == std::set{a, b});
  CHECK(r.core.counters().orphans_ended == 2);
  CHECK(r.registered() == 1);
  CHECK(r.fake.alive() == 2);
  CHECK(r.ledger == std::set<request_id>{r.core.launches().at(0).request});
  CHECK_FALSE(r.terminated.count(other));
}

TEST_CASE("with adoption, what the ledger knows is taken back once its worker registers again") {
  pool_core_settings s;
  s.adopt = true;
  pool_rig r(s, {}, {"here.6.1", "here.6.2"});
  auto a = r.fake.plant("here", "here.6.1");
  auto b = r.fake.plant("here", "here.5.9");  // not in the ledger
  r.start();
  r.target(1);
  r.run(1s);
  CHECK(r.status().booting == 1);
  r.send(event::worker_registered{"here.6.1", worker_id{77}});
  CHECK(r.workers() == std::vector{worker_id{77}});
  CHECK(r.terminated == std::set{b});
  CHECK(r.core.counters().launches == 0);
  CHECK(r.ledger == std::set<request_id>{"here.6.1"});
  CHECK_FALSE(r.terminated.count(a));
}

TEST_CASE("a lost answer is settled by lists: the instance is used, not bought again") {
  fake_settings f;
  f.faults.reply_lost = 1;
  f.boot_min = f.boot_max = 20s;
  pool_rig r({}, f);
  r.start();
  r.target(2);
  r.run(15s);
  CHECK(r.status().booting == 2);
  r.run(30s);
  CHECK(r.registered() == 2);
  CHECK(r.fake.started() == 2);
}

TEST_CASE("a launch that is ambiguous and does not exist is launched again") {
  fake_settings f;
  f.faults.launch_fails = 1;
  f.faults.launch_failure = failure_class::ambiguous;
  pool_rig r({}, f);
  r.start();
  r.target(1);
  r.run(200ms);
  CHECK(r.status().requested == 1);
  r.fake.settings().faults.launch_fails = 0;
  r.run(30s);
  CHECK(r.registered() == 1);
}

TEST_CASE("a call that is never answered leaks nothing") {
  fake_settings f;
  f.faults.never_answers = 1;
  f.faults.never_boots = 1;
  pool_core_settings s;
  s.boot_deadline = 20s;
  pool_rig r(s, f);
  r.max = 3;
  r.start();
  r.target(3);
  r.run(5min);
  r.fake.settings().faults = {};
  r.run(10min);
  CHECK(r.registered() == 3);
  CHECK(r.fake.alive() == 3);
}

TEST_CASE("one stuck drain blocks nothing, and ends at its deadline") {
  pool_core_settings s;
  s.drain_deadline = 1min;
  pool_rig r(s);
  r.max = 3;
  r.start();
  r.target(3);
  r.run(5s);
  auto all = r.workers();
  r.target(1, {all[0], all[1]});
  r.send(event::drain_complete{all[0]});
  r.run(1s);
  CHECK(r.status().draining == 1);
  r.target(2);
  r.run(5s);
  CHECK(r.registered() == 2);
  r.run(1min);
  CHECK(r.status().draining == 0);
  CHECK(r.fake.alive() == 2);
  CHECK(r.reported("did not drain within 1m"));
}

TEST_CASE("a tick that comes too early is answered with when to come back") {
  pool_core core({}, pool_rig::counting_random(1));
  time_point now{1h};
  pool_actions out;
  core.handle(event::tick{}, now, out);
  core.handle(event::listed{now, std::vector<instance>{}}, now, out);
  for (int i = 0; i < 3; ++i) {
    out.clear();
    core.handle(event::tick{}, now + 1s, out);
    REQUIRE(out.size() == 1);
    CHECK(std::get<act::wake_at>(out[0]).when == now + 10s);
  }
}

TEST_CASE("a worker drained by hand is replaced and never taken back") {
  pool_rig r;
  r.start();
  r.target(2);
  r.run(5s);
  auto w = r.workers().at(0);
  r.send(event::drain_requested{w});
  CHECK(r.status().draining == 1);
  CHECK(r.status().takeable.empty());
  r.run(5s);
  CHECK(r.registered() == 2);
  r.send(event::drain_complete{w});
  r.run(5s);
  CHECK(r.fake.alive() == 2);
}

TEST_CASE("a worker that the head gave up on is ended and replaced") {
  pool_rig r;
  r.start();
  r.target(1);
  r.run(5s);
  auto w = r.workers().at(0);
  auto i = r.instance_of(w);
  r.send(event::worker_lost{w, "no heartbeat for 10s", false});
  r.run(5s);
  CHECK(r.terminated == std::set{i});
  CHECK(r.registered() == 1);
  REQUIRE(r.over.size() == 1);
  CHECK_FALSE(r.over[0].deliberate);
}

TEST_CASE("an instance that vanished without a word is noticed by lists") {
  fake_settings f;
  f.tells_ends = false;
  pool_rig r({}, f);
  r.start();
  r.target(2);
  r.run(5s);
  r.fake.kill(r.instance_of(r.workers().at(0)));
  r.run(30s);
  CHECK(r.over.size() == 1);
  CHECK(r.registered() == 2);
  CHECK(r.fake.alive() == 2);
}

TEST_CASE("a worker whose launch was given up is told to stop") {
  pool_rig r;
  r.start();
  r.run(1s);
  r.send(event::worker_registered{"here.7.99", worker_id{5}});
  CHECK(r.stopped == std::vector{worker_id{5}});
  CHECK(r.core.counters().stale == 1);
}

TEST_CASE("what is full waits longer than what failed by chance") {
  auto first_wait = [](failure_class kind, duration retry_after) {
    launch_backoff b({}, 3);
    b.start_failed(time_point{1h}, time_point{59min}, {kind, "", retry_after});
    return b.until() - time_point{1h};
  };
  CHECK(first_wait(failure_class::transient, 0s) <= 1s);
  CHECK(first_wait(failure_class::no_capacity, 0s) >= 2s);
  CHECK(first_wait(failure_class::quota, 0s) >= 4s);
  CHECK(first_wait(failure_class::rejected_credentials, 0s) >= 8s);
  CHECK(first_wait(failure_class::throttled, 42s) == 42s);
}

TEST_CASE("waits never exceed their maximum, and jitter differs by seed") {
  launch_settings s;
  s.backoff_max = 5min;
  launch_backoff a(s, 1), b(s, 2);
  time_point now{1h};
  for (int i = 0; i < 50; ++i) {
    a.start_failed(now, now, {});
    b.start_failed(now, now, {});
    CHECK(a.until() - now <= 5min);
    now += 10min;
  }
  CHECK(a.until() != b.until());
}

TEST_CASE("stopping drains workers, cancels launches and says when nothing is left") {
  fake_settings f;
  f.stop_delay = 1s;
  pool_rig r({}, f);
  r.start();
  r.target(2);
  r.run(5s);
  r.fake.settings().boot_min = r.fake.settings().boot_max = 1min;
  r.target(4);
  r.run(1s);
  r.send(event::shut_down{true});
  CHECK(r.status().draining == 2);
  CHECK(r.status().booting == 0);
  for (auto w : std::set(r.draining)) r.send(event::drain_complete{w});
  CHECK_FALSE(r.all_gone);
  r.run(5s);
  CHECK(r.all_gone);
  CHECK(r.fake.alive() == 0);
  CHECK(r.ledger.empty());
}

TEST_CASE("a second stop waits for nobody") {
  pool_rig r;
  r.start();
  r.target(2);
  r.run(5s);
  r.send(event::shut_down{true});
  r.send(event::shut_down{false});
  r.run(1s);
  CHECK(r.all_gone);
}

TEST_CASE("instances whose pool the configuration no longer has are found") {
  std::vector<instance> listed(3);
  listed[0].id = "1", listed[0].pool = "a";
  listed[1].id = "2", listed[1].pool = "b";
  listed[2].id = "3", listed[2].pool = "gone";
  CHECK(of_unknown_pools(listed, {"a", "b"}) == std::vector<instance_id>{"3"});
}

}  // namespace troupe::providers::test
