#include <cstdlib>

#include "cli/errors.hpp"
#include "fake_services.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::cli;
using namespace troupe::cli::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  INFO("in: " << text);
  INFO("looking for: " << part);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

const std::vector<std::string> all_commands{
    "up",    "down",   "scheduler", "worker",  "submit", "call",   "map",    "run",    "status",
    "jobs",  "tasks",  "workers",   "pools",   "logs",   "result", "explain", "wait",  "cancel",
    "retry", "scale",  "drain",     "autoscaler", "simulate", "config", "certs", "completions", "version"};

}  // namespace

TEST_CASE("no command shows the help and is bad usage") {
  script s;
  auto o = run(s, {});
  CHECK(o.code == 2);
  has(o.out, "Usage: troupe");
  has(o.out, "submit");
}

TEST_CASE("every command has help with examples, at most 80 columns wide") {
  script s;
  for (const auto& name : all_commands) {
    auto o = run(s, {name, "--help"});
    INFO(name);
    CHECK(o.code == 0);
    CHECK(o.err.empty());
    has(o.out, "Usage: troupe " + name);
    has(o.out, "Examples:\n  ");
    has(o.out, "troupe " + name);
    std::size_t begin = 0;
    while (begin < o.out.size()) {
      auto end = o.out.find('\n', begin);
      auto line = o.out.substr(begin, end - begin);
      INFO(line);
      CHECK(line.size() <= 92);
      begin = end + 1;
    }
  }
  CHECK(s.connects.empty());
}

TEST_CASE("a mistyped command or option is bad usage and names the nearest one") {
  script s;
  auto o = run(s, {"sumbit"});
  CHECK(o.code == 2);
  has(o.err, "there is no command \"sumbit\" (did you mean \"submit\"?)");
  o = run(s, {"status", "--outptu", "json"});
  CHECK(o.code == 2);
  has(o.err, "there is no option \"--outptu\" (did you mean \"--output\"?)");
  has(o.err, "see: troupe status --help");
  o = run(s, {"submit", "--retires=3", "--", "ls"});
  has(o.err, "(did you mean \"--retries\"?)");
  CHECK(run(s, {"status", "-o", "xml"}).code == 2);
  CHECK(run(s, {"tasks", "--state", "sleeping"}).code == 2);
  o = run(s, {"autoscaler"});
  CHECK(o.code == 2);
  has(o.err, "which one: log, explain, pause, resume?");
  CHECK(s.connects.empty());
}

TEST_CASE("common options stand before or after the command") {
  script s;
  s.answer("jobs", R"({"jobs": [{"id": "3"}]})");
  for (auto& arguments : std::vector<std::vector<std::string>>{
           {"--address", "h:1", "-o", "quiet", "jobs"}, {"jobs", "-o", "quiet", "--address=h:1"}}) {
    auto o = run(s, arguments);
    CHECK(o.code == 0);
    CHECK(o.out == "3\n");
    CHECK(s.connects.back().address == "h:1");
  }
}

TEST_CASE("the address comes from --address, then TROUPE_ADDRESS, then the latest cluster") {
  script s;
  s.unreachable = failure{errc::unavailable, "connection refused", {}};
  ::setenv("TROUPE_ADDRESS", "env:1", 1);
  auto o = run(s, {"status", "--address", "opt:2"});
  CHECK(o.code == 3);
  has(o.err, "no cluster reached at opt:2 (from --address): connection refused");
  o = run(s, {"status"});
  CHECK(o.code == 3);
  has(o.err, "no cluster reached at env:1 (from TROUPE_ADDRESS)");
  ::unsetenv("TROUPE_ADDRESS");
  o = run(s, {"status"});
  CHECK(o.code == 3);
  has(o.err, "no cluster reached (from the cluster that was started last)");
  CHECK(s.connects.back().address.empty());
}

TEST_CASE("a request that the cluster refuses is exit code 1 with its words") {
  script s;
  s.answers["why"].push_back(fail(errc::not_found, "there is no job 99"));
  auto o = run(s, {"explain", "99.0"});
  CHECK(o.code == 1);
  has(o.err, "error: there is no job 99 (not_found)");
  s.answers["jobs"].push_back(fail(errc::unavailable, "the link is broken"));
  CHECK(run(s, {"jobs"}).code == 3);
}

TEST_CASE("ids are checked before anything is asked") {
  script s;
  for (const char* id : {"x", "12.", "-1", "12.3.4", "1 2"}) {
    CHECK(run(s, {"explain", id}).code == 2);
    CHECK(run(s, {"cancel", "12", id}).code == 2);
  }
  CHECK(s.asked.empty());
}

TEST_CASE("a closed pipe ends a command quietly with its own exit code") {
  script s;
  s.answer("jobs", R"({"jobs": []})");
  output out([](std::string_view) { throw broken_pipe{}; }, [](std::string_view) {}, {});
  services outside;
  outside.connect = [&](const connect_request&) -> result<std::unique_ptr<cluster_access>> {
    return std::make_unique<fake_cluster>(s);
  };
  CHECK(run_program({"jobs"}, out, outside) == 141);
  CHECK(run_program({"--help"}, out, outside) == 141);
}

TEST_CASE("completions know every command, and bash accepts them") {
  script s;
  for (const char* shell : {"bash", "zsh"}) {
    auto o = run(s, {"completions", shell});
    CHECK(o.code == 0);
    for (const auto& name : all_commands) has(o.out, "troupe " + name + "\"");
    has(o.out, "\"troupe autoscaler pause\") echo \"");
    has(o.out, "--each-line");
    CHECK(o.out.find("ready-descriptor") == std::string::npos);
  }
  CHECK(run(s, {"completions", "fish"}).code == 2);
}

TEST_CASE("the version needs no cluster") {
  script s;
  auto o = run(s, {"version"});
  CHECK(o.code == 0);
  has(o.out, "troupe/");
  CHECK(run(s, {"--version"}).out == o.out);
  CHECK(s.connects.empty());
}

TEST_CASE("config apply sends the file, and says what changes now and what later") {
  script s;
  s.answer("config.apply", R"({"file": "/x/c.yaml", "applied": true, "warnings": ["w"], "changes": [
    {"path": "pools[a].max", "from": 4, "to": 8, "live": true},
    {"path": "pools[b]", "from": null, "to": {"name": "b"}, "live": false}]})");
  auto o = run(s, {"config", "apply"});
  CHECK(o.code == 0);
  has(o.out, "pools[a].max  4    8             now");
  has(o.out, "with the next start");
  has(o.err, "1 change can't be made while the cluster runs");
  REQUIRE(s.asked.size() == 1);
  CHECK(s.asked[0].second == json{{"dry_run", false}});
}

TEST_CASE("config apply of a bad file names every problem and is bad usage") {
  script s;
  s.answers["config.apply"].push_back(
      fail(errc::invalid_argument, "c.yaml:1:2: one\nc.yaml:3:4: two\n"));
  auto o = run(s, {"config", "apply", "--dry-run"});
  CHECK(o.code == 2);
  has(o.err, "c.yaml:1:2: one\nc.yaml:3:4: two\n");
  has(o.err, "Nothing has changed");
  CHECK(s.asked[0].second == json{{"dry_run", true}});
}
