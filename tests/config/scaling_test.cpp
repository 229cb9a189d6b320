// What a file may say of schedules, signals and budgets, and how pools inherit it.
#include <filesystem>

#include "config/config.hpp"
#include "config/time_zones.hpp"
#include "tests/config/files.hpp"

namespace troupe {
namespace {

config::loaded load(const std::string& yaml, const config::environment& variables = {}) {
  auto result = config::load_text(yaml, "f.yaml", variables);
  if (!result) FAIL(config::to_text(result.error()));
  return *result;
}

TEST_CASE("a schedule is inherited by pools that have none of their own") {
  auto s = load(R"(
autoscaler:
  schedule: [{cron: "0 8 * * 1-5", min: 3, for: 10h, timezone: "+02:00"}]
pools:
  - {name: a, max: 9}
  - {name: b, autoscaler: {schedule: []}}
  - {name: c, autoscaler: {schedule: [{cron: "0 0 * * *", min: 1, for: 1h}]}}
)")
               .settings;
  REQUIRE(s.pools[0].autoscaler.schedule.size() == 1);
  CHECK(s.pools[0].autoscaler.schedule[0].min == 3);
  CHECK(s.pools[0].autoscaler.schedule[0].lasts == std::chrono::hours{10});
  CHECK(s.pools[1].autoscaler.schedule.empty());
  CHECK(s.pools[2].autoscaler.schedule[0].min == 1);
}

TEST_CASE("an entry that never ends is warned of, unless another ends it") {
  const std::string one = R"(autoscaler: {schedule: [{cron: "0 8 * * *", min: 3}]})";
  REQUIRE(load(one).warnings.size() == 1);
  CHECK(to_string(load(one).warnings[0]).find("holds for ever") != std::string::npos);
  CHECK(
      load(R"(autoscaler: {schedule: [{cron: "0 8 * * *", min: 3}, {cron: "0 18 * * *", min: 0}]})")
          .warnings.empty());
}

TEST_CASE("secrets of the Prometheus come from the environment too, and are never shown") {
  const auto s = load("autoscaler: {prometheus: {url: 'https://p:9090', username: me}}",
                      {{"TROUPE_AUTOSCALER_PROMETHEUS_PASSWORD", "hunter2"}});
  CHECK(s.settings.autoscaler.prometheus.password == "hunter2");
  CHECK(config::show(s).find("hunter2") == std::string::npos);
  CHECK(config::show_json(s.settings).find("hunter2") == std::string::npos);
  const auto in_url =
      config::load_text("autoscaler: {prometheus: {url: 'http://me:hunter2@p'}}", "f.yaml", {});
  REQUIRE_FALSE(in_url);
  CHECK(config::to_text(in_url.error()).find("hunter2") == std::string::npos);
}

TEST_CASE("a secret that would travel without encryption is warned of") {
  auto warnings = [](const std::string& url) {
    return load("autoscaler: {prometheus: {url: '" + url + "', token: x}}").warnings.size();
  };
  CHECK(warnings("http://prometheus:9090") == 1);
  CHECK(warnings("http://127.0.0.1:9090") == 0);
  CHECK(warnings("http://[::1]:9090/prefix") == 0);
  CHECK(warnings("https://prometheus:9090") == 0);
}

TEST_CASE("zones are UTC, offsets, or files of the system, and never a path out of them") {
  CHECK(config::load_time_zone("UTC"));
  CHECK(config::load_time_zone("-03:30")->offset_at(0) == -12600);
  for (auto bad : {"", "Nowhere", "../etc/passwd", "/etc/localtime", "Europe/", "a b"})
    CHECK_FALSE(config::load_time_zone(bad));
  if (!std::filesystem::exists("/usr/share/zoneinfo/Europe/Berlin")) {
    WARN("no zone files on this machine: named zones are not tested");
    return;
  }
  auto berlin = config::load_time_zone("Europe/Berlin");
  REQUIRE(berlin);
  CHECK(berlin->offset_at(1735689600) == 3600);  // 2025-01-01
  CHECK(berlin->offset_at(1751328000) == 7200);  // 2025-07-01
  CHECK(berlin->offset_at(2540246400) == 7200);  // 2050-07-01: by the rule
}

TEST_CASE("queries may hold brackets in quotes and quotes in quotes") {
  for (auto query : {R"(sum(rate(x{a="(", b='"'}[1m])))", R"(x{a=~"\\(\""})", "x{a=`\\`}",
                     "sum(x) # don't count (canaries"}) {
    CHECK(load("autoscaler:\n  prometheus: {url: 'http://p'}\n  signals:\n    - name: a\n      "
               "target: "
               "1\n      query: |-\n        " +
               std::string{query} + "\n")
              .settings.autoscaler.signals[0]
              .query == query);
  }
}

}  // namespace
}  // namespace troupe
