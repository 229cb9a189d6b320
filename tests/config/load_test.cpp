#include "config/config.hpp"
#include "libruntime/settings_options.hpp"
#include "tests/config/files.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;
using namespace testing;

config::loaded load(const std::string& yaml, const std::string& name = "f.yaml",
                    const config::environment& variables = {}) {
  auto result = config::load_text(yaml, name, variables);
  if (!result) FAIL(config::to_text(result.error()));
  return *result;
}

TEST_CASE("an empty file is a cluster with one pool of at most one worker on this machine") {
  for (auto text : {"", "# nothing yet\n", "{}", "pools:", "cluster:\nscheduler:\n"}) {
    INFO(text);
    auto s = load(text).settings;
    CHECK(s.cluster.name == "local");
    CHECK(s.scheduler.listen == host_port{"127.0.0.1", 7400});
    CHECK(s.scheduler.http == host_port{"127.0.0.1", 7401});
    CHECK(s.security.tls == tls_mode::on);
    if (std::string{text} == "pools:") continue;
    REQUIRE(s.pools.size() == 1);
    CHECK(s.pools[0].name == "local");
    CHECK(s.pools[0].min == 0);
    CHECK(s.pools[0].max == 1);
    CHECK(provider_type(s.pools[0].provider) == "local");
  }
}

TEST_CASE("without a file there are the defaults, and an empty list of pools is none") {
  auto none = config::load("", {});
  REQUIRE(none);
  CHECK(none->settings.pools.size() == 1);
  CHECK(load("pools: []").settings.pools.empty());
}

TEST_CASE("the file of the design loads as it is written there") {
  auto s = load(R"(
cluster: {name: demo}
scheduler: {listen: 127.0.0.1:7400, http: 127.0.0.1:7401}
pools:
  - name: here
    provider: {type: local}
    min: 0
    max: 4
    worker: {slots: 1, memory: 2GiB, resources: {GPU: 0}, modules: [], env: {}, log_dir: logs, scratch: scratch}
autoscaler: {interval: 1s, target_duration: 1s, scale_down: {idle_timeout: 30s}}
)")
               .settings;
  CHECK(s.cluster.name == "demo");
  const auto& pool = s.pools.at(0);
  CHECK(pool.max == 4);
  CHECK(pool.worker.slots == 1);
  CHECK(pool.worker.memory == byte_count::gib(2));
  CHECK(pool.worker.log_dir == "logs");
}

TEST_CASE("a maximum that is absent is no limit") {
  CHECK_FALSE(load("pools: [{name: a}]").settings.pools.at(0).max);
  CHECK_FALSE(load("pools: [{name: a, max: unlimited}]").settings.pools.at(0).max);
  CHECK(load("pools: [{name: a, min: 2, max: 2}]").settings.pools.at(0).fixed_size());
}

TEST_CASE("http can be turned off") {
  CHECK_FALSE(load("scheduler: {http: off}").settings.scheduler.http);
}

TEST_CASE("a pool has the cluster's autoscaler settings but for what it says itself") {
  auto s = load(R"(
pools:
  - {name: a, autoscaler: {scale_down: {idle_timeout: 5m}}}
  - {name: b}
autoscaler:
  target_duration: 3s
  scale_down: {idle_timeout: 7s, max_step: 2}
)")
               .settings;
  CHECK(s.pool("a")->autoscaler.target_duration == 3s);
  CHECK(s.pool("a")->autoscaler.scale_down.idle_timeout == 5min);
  CHECK(s.pool("a")->autoscaler.scale_down.max_step == 2);
  CHECK(s.pool("b")->autoscaler == static_cast<scaling_settings>(s.autoscaler));
}

TEST_CASE("relative paths begin at the file, but names without a slash are searched for") {
  auto worker = load(R"(
pools:
  - name: a
    worker: {modules: [lib/a.so, b.so, /c.so, ~/d.so], program: ../bin/x, log_dir: logs}
)",
                     "/etc/troupe/f.yaml", {{"HOME", "/home/me"}})
                    .settings.pools.at(0)
                    .worker;
  CHECK(worker.modules ==
        std::vector<std::string>{"/etc/troupe/lib/a.so", "b.so", "/c.so", "/home/me/d.so"});
  CHECK(worker.program == "/etc/bin/x");
  CHECK(worker.log_dir == "logs");  // below the state folder, which is known later
  auto s = load("cluster: {state_dir: state}\nsecurity: {certs: ./certs}", "/srv/f.yaml").settings;
  CHECK(s.cluster.state_dir == "/srv/state");
  CHECK(s.security.certs == "/srv/certs");
}

TEST_CASE("keys at the top that begin with x- are the writer's own") {
  auto s =
      load("x-common: &c {slots: 3}\npools: [{name: a, worker: {<<: *c, memory: 1GiB}}]").settings;
  CHECK(s.pools.at(0).worker.slots == 3);
  CHECK_FALSE(config::load_text("pools: [{name: a, x-b: 1}]", "f.yaml", {}));
}

TEST_CASE("a file without problems can have warnings") {
  auto l = load("security: {tls: off}");
  REQUIRE(l.warnings.size() == 1);
  CHECK(
      to_string(l.warnings[0]) ==
      "f.yaml:1:17: security.tls: off: every process on this machine can read and change what the "
      "cluster does");
}

TEST_CASE("a setting that has no effect yet is a warning where it is given, and marked for readers") {
  auto l = load("pools:\n  - name: a\n    worker: {spill: 0.5, on_scheduler_lost: stop}\n"
                "scheduler: {log_level: debug}\n");
  REQUIRE(l.warnings.size() == 3);
  std::string all;
  for (const auto& w : l.warnings) all += to_string(w) + "\n";
  for (auto place : {"f.yaml:3:21: pools[0].worker.spill: has no effect yet",
                     "f.yaml:3:45: pools[0].worker.on_scheduler_lost: has no effect yet",
                     "f.yaml:4:24: scheduler.log_level: has no effect yet"}) {
    INFO(all);
    CHECK(all.find(place) != std::string::npos);
  }
  const auto* spill = worker_options().section()->find("spill");
  REQUIRE(spill);
  CHECK(spill->info.text.ends_with("Has no effect yet."));
}

TEST_CASE("every example loads without problems or warnings") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{source_dir() / "config/examples"}) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    auto result = config::check(entry.path().string(), {});
    CHECK(result.text == entry.path().string() + ": good\n");
  }
  CHECK(count >= 3);
}

TEST_CASE("the example of the quickstart grows from none to four and shrinks within seconds") {
  auto result = config::load((source_dir() / "config/examples/local.yaml").string(), {});
  REQUIRE(result);
  const auto& pool = result->settings.pools.at(0);
  CHECK(pool.min == 0);
  CHECK(pool.max == 4);
  CHECK(pool.worker.slots == 1);
  CHECK(pool.autoscaler.target_duration == 1s);
  CHECK(pool.autoscaler.scale_down.idle_timeout == 5s);
}

}  // namespace
}  // namespace troupe
