// What differs between two configurations, and what of it a running cluster takes over.
#include "config/changes.hpp"

#include "tests/config/files.hpp"

namespace troupe::config {
namespace {

loaded read(const std::string& yaml, const std::string& name = "f.yaml") {
  auto result = load_text(yaml, name, {});
  if (!result) FAIL(to_text(result.error()));
  return *result;
}

changes differences(const std::string& running, const std::string& wanted) {
  auto both = compare(read(running), read(wanted, "g.yaml"));
  if (!both) FAIL(to_text(both.error()));
  return *both;
}

const std::string two_pools = R"(
scheduler: {listen: 127.0.0.1:7400}
pools:
  - {name: a, max: 4, worker: {slots: 1}}
  - {name: b, max: 2, worker: {slots: 1}}
)";

TEST_CASE("the same configuration, written otherwise, differs in nothing") {
  const auto d = differences(two_pools, R"(
pools:
  - name: a
    max: 4
    worker: {slots: 1}
  - name: b
    max: 2
    worker: {slots: 1}
    min: 0
)");
  CHECK(d.list.empty());
}

TEST_CASE("a live option is taken over, any other waits") {
  const auto d = differences(two_pools, R"(
scheduler: {listen: 127.0.0.1:7500}
pools:
  - {name: a, max: 8, worker: {slots: 2}}
  - {name: b, max: 2, worker: {slots: 1}}
)");
  CHECK(d.list == std::vector<change>{
                      {"scheduler.listen", "\"127.0.0.1:7400\"", "\"127.0.0.1:7500\"", false},
                      {"pools[a].max", "4", "8", true},
                      {"pools[a].worker.slots", "1", "2", false}});
  CHECK(d.effective.settings.scheduler.listen.port == 7400);
  CHECK(d.effective.settings.pools[0].max == 8u);
  CHECK(d.effective.settings.pools[0].worker.slots == 1);
}

TEST_CASE("pools are told apart by name, not by place") {
  const auto d = differences(two_pools, R"(
pools:
  - {name: b, max: 3, worker: {slots: 1}}
  - {name: a, max: 4, worker: {slots: 1}}
)");
  CHECK(d.list == std::vector<change>{{"pools[b].max", "2", "3", true}});
  CHECK(d.effective.settings.pools[0].name == "a");
  CHECK(d.effective.settings.pools[1].max == 3u);
}

TEST_CASE("a pool that comes or goes waits for the next start") {
  const auto d = differences(two_pools, R"(
pools:
  - {name: a, max: 4, worker: {slots: 1}}
  - {name: c}
)");
  REQUIRE(d.list.size() == 2);
  CHECK((d.list[0].path == "pools[b]" && d.list[0].from && !d.list[0].to && !d.list[0].live));
  CHECK((d.list[1].path == "pools[c]" && !d.list[1].from && d.list[1].to && !d.list[1].live));
  CHECK(d.effective.settings.pools.size() == 2);
  CHECK(d.effective.settings.pools[1].name == "b");
}

TEST_CASE("signals and schedules come, change and go while the cluster runs") {
  const std::string none = "pools: [{name: a, max: 4}]\n";
  const std::string prometheus = "prometheus: {url: 'http://127.0.0.1:9090'}";
  const auto one = "autoscaler: {" + prometheus + ", signals: [{name: rps, query: q, target: 5}]}\n";
  const auto came = differences(none, none + one);
  REQUIRE(came.list.size() == 2);
  CHECK(came.list[1].path == "autoscaler.signals[rps]");
  CHECK((!came.list[1].from && came.list[1].live));
  REQUIRE(came.effective.settings.autoscaler.signals.size() == 1);
  const auto other = "autoscaler: {" + prometheus + ", signals: [{name: rps, query: q, target: 6}]}\n";
  CHECK(differences(none + one, none + other).list ==
        std::vector<change>{{"autoscaler.signals[rps].target", "5", "6", true}});
  CHECK(differences(none + one, none).effective.settings.autoscaler.signals.empty());
  const auto timed = differences(
      none, "pools: [{name: a, max: 4, autoscaler: {schedule: [{cron: '0 8 * * *', min: 3, for: 1h}]}}]");
  REQUIRE(timed.list.size() == 1);
  CHECK(timed.list[0].path == "pools[a].autoscaler.schedule");
  CHECK(timed.effective.settings.pools[0].autoscaler.schedule.size() == 1);
}

TEST_CASE("what pools inherit from the cluster is named once") {
  const auto d = differences(two_pools, two_pools + "autoscaler: {target_duration: 2s}\n");
  CHECK(d.list == std::vector<change>{{"autoscaler.target_duration", "\"1s\"", "\"2s\"", true}});
  for (const auto& p : d.effective.settings.pools)
    CHECK(p.autoscaler.target_duration == std::chrono::seconds{2});
}

TEST_CASE("live changes that make no sense without those that wait are refused") {
  const std::string more = R"(
autoscaler: {signals: [{name: q, source: queue_depth, target: 5, pools: [c]}]}
pools: [{name: a, max: 4, worker: {slots: 1}}, {name: b, max: 2, worker: {slots: 1}}, {name: c}]
)";
  const auto both = compare(read(two_pools), read(more));
  REQUIRE_FALSE(both);
  CHECK(to_text(both.error()).find("autoscaler.signals[0].pools") != std::string::npos);
}

TEST_CASE("secrets that change are named and not shown") {
  const std::string base = "pools: [{name: a}]\n";
  auto with = [&](const std::string& token) {
    return base + "autoscaler: {prometheus: {url: 'https://p', token: " + token + "}}";
  };
  const auto d = differences(with("hunter1"), with("hunter2"));
  CHECK(d.list == std::vector<change>{{"autoscaler.prometheus.token", "\"<hidden>\"",
                                       "\"<hidden>\"", true}});
  CHECK(d.effective.settings.autoscaler.prometheus.token == "hunter2");
}

TEST_CASE("every value in effect keeps its origin: the new file's where it is live, else the old one's") {
  auto d = differences(two_pools, R"(
pools:
  - {name: b, max: 3, worker: {slots: 1}}
  - {name: a, max: 4, worker: {slots: 1}}
)");
  CHECK(d.effective.origins.at("pools[1].max").name == "g.yaml");
  CHECK(d.effective.origins.at("pools[1].max").line == 3);
  CHECK(d.effective.origins.at("pools[1].worker.slots").name == "f.yaml");
  CHECK(d.effective.origins.at("scheduler.listen").name == "f.yaml");
  CHECK(show(d.effective).find("g.yaml:3") != std::string::npos);
}

TEST_CASE("texts that are not UTF-8 are compared like others") {
  const std::string base = "pools: [{name: a, worker: {env: {A: ";
  const auto d = differences(base + "x}}}]", base + "\"caf\xe9" "\"}}}]");
  REQUIRE(d.list.size() == 1);
  CHECK(d.list[0].path == "pools[a].worker.env");
}

}  // namespace
}  // namespace troupe::config
