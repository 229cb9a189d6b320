#include "config/environment.hpp"

#include <algorithm>

#include "config/config.hpp"
#include "libruntime/settings_options.hpp"
#include "tests/support/catch.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr const char* file = R"(
scheduler: {listen: 127.0.0.1:9000}
pools:
  - name: here
    max: 4
  - name: big-gpu
    provider: {type: fake}
    worker: {env: {LANG: C}, modules: [a.so]}
)";

config::loaded load(const config::environment& variables, const std::string& yaml = file) {
  auto result = config::load_text(yaml, "f.yaml", variables);
  if (!result) FAIL(config::to_text(result.error()));
  return *result;
}

std::string refusal(const config::environment& variables) {
  auto result = config::load_text(file, "f.yaml", variables);
  REQUIRE_FALSE(result);
  return config::to_text(result.error());
}

TEST_CASE("environment overrides file overrides default") {
  CHECK(load({}, "").settings.scheduler.listen == host_port{"127.0.0.1", 7400});
  CHECK(load({}).settings.scheduler.listen == host_port{"127.0.0.1", 9000});
  auto l = load({{"TROUPE_SCHEDULER_LISTEN", "127.0.0.1:9001"}});
  CHECK(l.settings.scheduler.listen == host_port{"127.0.0.1", 9001});
  CHECK(to_string(l.origins.at("scheduler.listen")) == "environment TROUPE_SCHEDULER_LISTEN");
}

TEST_CASE("a variable makes sections that the file doesn't have") {
  auto l = load({{"TROUPE_AUTOSCALER_SCALE_DOWN_IDLE_TIMEOUT", "3s"}}, "");
  CHECK(l.settings.autoscaler.scale_down.idle_timeout == 3s);
  // Pools take it from there.
  CHECK(l.settings.pools.at(0).autoscaler.scale_down.idle_timeout == 3s);
}

TEST_CASE("pools are named in variables by their names") {
  auto l = load({{"TROUPE_POOLS_HERE_MAX", "7"},
                 {"TROUPE_POOLS_BIG_GPU_WORKER_SLOTS", "3"},
                 {"TROUPE_POOLS_BIG_GPU_AUTOSCALER_SCALE_DOWN_IDLE_TIMEOUT", "9m"},
                 {"TROUPE_POOLS_BIG_GPU_PROVIDER_CAPACITY", "2"}});
  CHECK(l.settings.pool("here")->max == 7);
  CHECK(l.settings.pool("big-gpu")->worker.slots == 3);
  CHECK(l.settings.pool("big-gpu")->autoscaler.scale_down.idle_timeout == 9min);
  CHECK(std::get<fake_provider_settings>(l.settings.pool("big-gpu")->provider).capacity == 2);
  CHECK(l.warnings.empty());
}

TEST_CASE("the pool of a file without pools can be changed too") {
  auto l = load({{"TROUPE_POOLS_LOCAL_MAX", "unlimited"}}, "");
  CHECK_FALSE(l.settings.pools.at(0).max);
}

TEST_CASE("the longest name of a pool that fits is the one meant") {
  auto l = load({{"TROUPE_POOLS_A_B_MAX", "5"}}, "pools: [{name: a}, {name: a-b}]");
  CHECK_FALSE(l.settings.pool("a")->max);
  CHECK(l.settings.pool("a-b")->max == 5);
}

TEST_CASE("lists, resources and maps of texts have a form for variables") {
  auto l = load({{"TROUPE_POOLS_HERE_WORKER_MODULES", "b.so, c.so"},
                 {"TROUPE_POOLS_HERE_WORKER_RESOURCES", "GPU=2,licence=0.5"},
                 {"TROUPE_POOLS_HERE_WORKER_ENV", "A=1, B=x=y"},
                 {"TROUPE_POOLS_BIG_GPU_WORKER_ENV_LC_ALL", "de"},
                 {"TROUPE_POOLS_BIG_GPU_WORKER_MODULES", ""}});
  const auto& here = l.settings.pool("here")->worker;
  CHECK(here.modules == std::vector<std::string>{"b.so", "c.so"});
  CHECK(here.resources == resource_set{{"GPU", 2}, {"licence", 0.5}});
  CHECK(here.env == std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}});
  const auto& gpu = l.settings.pool("big-gpu")->worker;
  CHECK(gpu.env == std::map<std::string, std::string>{{"LANG", "C"}, {"LC_ALL", "de"}});
  CHECK(gpu.modules.empty());
}

TEST_CASE("a bad value is reported with its variable") {
  CHECK(refusal({{"TROUPE_POOLS_HERE_MAX", "four"}}) ==
        "environment TROUPE_POOLS_HERE_MAX: pools[0].max: \"four\" is not a whole number; expected "
        "a whole number from 0 to 100000, or unlimited\n");
  CHECK(refusal({{"TROUPE_POOLS_HERE_WORKER_RESOURCES", "GPU"}}) ==
        "environment TROUPE_POOLS_HERE_WORKER_RESOURCES: pools[0].worker.resources: \"GPU\" is not "
        "allowed; expected NAME=VALUE,NAME=VALUE…\n");
  CHECK(refusal({{"TROUPE_POOLS_HERE_PROVIDER_SEED", "1"}})
            .starts_with("environment TROUPE_POOLS_HERE_PROVIDER_SEED: pools[0].provider"));
}

TEST_CASE("a variable that contradicts the file is reported where the conflict was made") {
  CHECK(
      refusal({{"TROUPE_POOLS_HERE_MIN", "9"}}) ==
      "f.yaml:5:10: pools[0].max: 4 is below pools[0].min (9); expected min <= max (equal: a pool "
      "of fixed size)\n");
  auto result = config::load_text("", "f.yaml", {{"TROUPE_POOLS_LOCAL_MIN", "9"}});
  REQUIRE_FALSE(result);
  CHECK(config::to_text(result.error()) ==
        "environment TROUPE_POOLS_LOCAL_MIN: pools[0].min: 9 is above pools[0].max (1); expected "
        "min <= max (equal: a pool of fixed size)\n");
}

TEST_CASE("a variable below a known section that is no option is warned of, with the nearest") {
  auto l = load({{"TROUPE_SCHEDULER_LISTN", "x"}, {"TROUPE_POOLS_THERE_MAX", "1"}});
  REQUIRE(l.warnings.size() == 2);
  CHECK(to_string(l.warnings[0]) ==
        "environment TROUPE_POOLS_THERE_MAX: no option has this name; did you mean "
        "TROUPE_POOLS_HERE_MAX?");
  CHECK(to_string(l.warnings[1]) ==
        "environment TROUPE_SCHEDULER_LISTN: no option has this name; did you mean "
        "TROUPE_SCHEDULER_LISTEN?");
}

TEST_CASE("variables for other purposes are left alone") {
  config::environment other;
  for (auto name : {"ADDRESS", "JOB_ID", "TASK_ID", "TASK_INDEX", "ATTEMPT", "CERTS", "TOKEN",
                    "ENTRY", "CLUSTER", "REWRITE"}) {
    other[std::string{"TROUPE_"} + name] = "x";
  }
  other["SCHEDULER_LISTEN"] = "x";
  CHECK(load(other).warnings.empty());
}

TEST_CASE("a variable never hides that the file is wrong around it") {
  auto result = config::load_text("scheduler: 5", "f.yaml", {{"TROUPE_SCHEDULER_LISTEN", "a:1"}});
  REQUIRE_FALSE(result);
  CHECK(
      config::to_text(result.error()).starts_with("f.yaml:1:12: scheduler: \"5\" is not allowed"));
}

void collect(const option_section& section, const std::string& path,
             std::vector<std::string>& out) {
  for (const auto& o : section.options) {
    out.push_back(config::variable_of(path + o.info.name));
    if (o.info.nested) collect(*o.info.nested, path + o.info.name + ".", out);
  }
}

TEST_CASE("no two options share a variable") {
  std::vector<std::string> all;
  collect(*cluster_options().section(), "", all);
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

}  // namespace
}  // namespace troupe
