#include "cli/submit.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fake_services.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::cli;
using namespace troupe::cli::test;
using namespace std::chrono_literals;

namespace {

struct temporary_file {
  explicit temporary_file(const std::string& text) {
    char name[] = "/tmp/troupe-cli-test-XXXXXX";
    int fd = ::mkstemp(name);
    REQUIRE(fd >= 0);
    ::close(fd);
    path = name;
    std::ofstream(path) << text;
  }
  ~temporary_file() { std::filesystem::remove(path); }
  std::string path;
};

bool has(const std::string& text, const std::string& part) {
  INFO("in: " << text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

constexpr auto finished_job =
    R"({"id": "12", "name": "n", "state": "finished", "tasks": {"finished": 2, "failed": 0, "cancelled": 0}})";
constexpr auto failed_job =
    R"({"id": "12", "name": "n", "state": "failed", "tasks": {"finished": 1, "failed": 1, "cancelled": 0}})";

}  // namespace

TEST_CASE("a command becomes one detached task with the options that were given") {
  script s;
  ::setenv("TROUPE_TEST_VARIABLE", "v", 1);
  auto o = run(s, {"submit", "--name", "train", "--pool", "big", "--resources", "GPU=1,cpus=2",
                   "--resources", "licence=0.5", "--priority", "-3", "--retries", "2",
                   "--retry-delay", "1s", "--timeout", "1h30m", "--memory", "2GiB", "--env", "A=x=y",
                   "--env", "TROUPE_TEST_VARIABLE", "--cwd", "/tmp/../tmp", "--", "python", "-u",
                   "--", "train.py"});
  REQUIRE(o.code == 0);
  CHECK(o.out == "Submitted job 12 with 1 task\n");
  const auto& d = s.submitted.at(0);
  CHECK(d.name == "train");
  CHECK(d.lifetime == protocol::lifetime::detached);
  CHECK_FALSE(d.want_results);
  CHECK(d.count == 1);
  const auto& spec = d.templates.at(0);
  CHECK(spec.kind == task_kind::exec);
  CHECK(spec.command.argv == std::vector<std::string>{"python", "-u", "--", "train.py"});
  CHECK(spec.command.cwd == "/tmp");
  CHECK(spec.command.env == std::vector<std::pair<std::string, std::string>>{
                                {"A", "x=y"}, {"TROUPE_TEST_VARIABLE", "v"}});
  CHECK(spec.options.resources == resource_set{{"GPU", 1}, {"cpus", 2}, {"licence", 0.5}});
  CHECK(spec.options.pool == "big");
  CHECK(spec.options.priority == -3);
  CHECK(spec.options.retries == 2);
  CHECK(spec.options.retry_delay == 1s);
  CHECK(spec.options.timeout == 90min);
  CHECK(spec.options.memory_limit == std::uint64_t{2} << 30);
  ::unsetenv("TROUPE_TEST_VARIABLE");
}

TEST_CASE("an array has a task for each index, a file one for each line or element") {
  script s;
  REQUIRE(run(s, {"submit", "--array", "5-80", "--", "ls"}).code == 0);
  CHECK(s.submitted.back().first_index == 5);
  CHECK(s.submitted.back().count == 76);
  CHECK(s.submitted.back().name == "ls");

  temporary_file lines("a\nb c\n");
  auto o = run(s, {"submit", "--each-line", lines.path, "-o", "json", "--", "echo", "{}"});
  REQUIRE(o.code == 0);
  CHECK(json::parse(o.out) == json::parse(R"({"job": "12", "tasks": 2})"));
  CHECK(compact(to_json(s.submitted.back().tasks.at(1).arguments)) == R"({"entry":"b c"})");

  temporary_file elements(R"([{"x": 1}, "y"])");
  REQUIRE(run(s, {"submit", "--from-json", elements.path, "-o", "quiet", "--", "e"}).out == "12\n");
  CHECK(compact(to_json(s.submitted.back().tasks.at(0).arguments)) == R"({"entry":"{\"x\":1}"})");
}

TEST_CASE("bad usage of submit names the flag and what is allowed, and submits nothing") {
  script s;
  temporary_file empty("");
  struct {
    std::vector<std::string> arguments;
    std::string words;
  } cases[] = {
      {{"submit"}, "there is no command; put it after --"},
      {{"submit", "ls", "-l"}, "put -- before the command: troupe submit … -- ls …"},
      {{"submit", "ls"}, "put -- before the command: troupe submit … -- ls …"},
      {{"submit", "--timeout", "30", "--", "ls"}, "--timeout: \"30\" is not a duration"},
      {{"submit", "--memory", "much", "--", "ls"}, "--memory: \"much\" is not a size"},
      {{"submit", "--resources", "GPU", "--", "ls"}, "--resources: \"GPU\" is not NAME=AMOUNT"},
      {{"submit", "--array", "9-3", "--", "ls"}, "--array: \"9-3\" ends before it begins"},
      {{"submit", "--array", "1-3", "--each-line", "f", "--", "ls"}, "excludes"},
      {{"submit", "--each-line", "/nonexistent", "--", "ls"}, "can't open /nonexistent"},
      {{"submit", "--each-line", empty.path, "--", "ls"}, "there is nothing in it"},
      {{"submit", "--env", "=x", "--", "ls"}, "--env: \"=x\" is not NAME=VALUE"},
      {{"submit", "--env", "TROUPE_NOT_SET", "--", "ls"}, "is not set here"},
      {{"submit", "--retries", "-1", "--", "ls"}, "retries"},
      {{"submit", "--retries", "70000", "--", "ls"}, "retries"},
  };
  for (const auto& c : cases) {
    auto o = run(s, c.arguments);
    INFO(c.words);
    CHECK(o.code == 2);
    has(o.err, c.words);
    CHECK(o.out.empty());
  }
  CHECK(s.submitted.empty());
}

TEST_CASE("a submission that the cluster refuses is exit code 1 with the reason") {
  script s;
  s.refusal = failure{errc::infeasible, "no pool has TPU", {}};
  auto o = run(s, {"submit", "--resources", "TPU=1", "--", "ls"});
  CHECK(o.code == 1);
  has(o.err, "no pool has TPU (infeasible)");
}

TEST_CASE("submit --wait ends with the job's end") {
  script s;
  s.outcomes = {value{}, value{}};
  s.answer("job", finished_job);
  auto o = run(s, {"submit", "--array", "0-1", "--wait", "--", "ls"});
  CHECK(o.code == 0);
  has(o.out, "Job 12 finished after ");
  has(o.out, ": 2 finished");
}

TEST_CASE("failed tasks are named at the end of a wait") {
  script s;
  s.outcomes = {value{}, fail(errc::task_error, "exit code 3")};
  s.answer("job", failed_job);
  s.answer("tasks", R"({"tasks": [{"id": "12.1", "label": "", "error": {"code": "task_error",
           "message": "exit code 3", "type": ""}}]})");
  auto o = run(s, {"wait", "12"});
  CHECK(o.code == 1);
  has(o.out, "1 finished, 1 failed");
  has(o.err, "12.1: exit code 3 (task_error)");
  has(o.err, "troupe logs 12.1");
  o = run(s, {"wait", "12", "-o", "json"});
  CHECK(o.code == 1);
  CHECK(json::parse(o.out)["failed"][0]["error"]["code"] == "task_error");
}

TEST_CASE("call packs its JSON arguments and prints the result") {
  script s;
  s.outcomes = {value::of(std::vector<int>{1, 2})};
  auto o = run(s, {"call", "f", "1", "\"two\"", R"({"x": null})", "--", "-5"});
  CHECK(o.code == 0);
  CHECK(o.out == "[1,2]\n");
  const auto& d = s.submitted.at(0);
  CHECK(d.name == "f");
  CHECK(d.lifetime == protocol::lifetime::client);
  CHECK(d.templates.at(0).function == "f");
  CHECK(compact(to_json(d.tasks.at(0).arguments)) == R"([1,"two",{"x":null},-5])");
  o = run(s, {"call", "f", "two"});
  CHECK(o.code == 2);
  has(o.err, "argument 1, \"two\": not JSON");
}

TEST_CASE("map prints results in order, failed ones as $error lines") {
  script s;
  s.outcomes = {value::of(1), fail(errc::crash_limit, "its workers died"), value::of(3)};
  temporary_file args("1\n[2, 3]\n{}\n");
  auto o = run(s, {"map", "f", "--args", args.path});
  CHECK(o.code == 1);
  CHECK(o.out ==
        "1\n"
        R"({"$error":{"task":"12.1","code":"crash_limit","message":"its workers died","type":""}})"
        "\n3\n");
  has(o.err, "task 12.1: its workers died (crash_limit)");
  CHECK(compact(to_json(s.submitted.at(0).tasks.at(1).arguments)) == "[2,3]");
}

TEST_CASE("map over an array calls with each number; over nothing it does nothing") {
  script s;
  s.outcomes = {value::of(1), value::of(4)};
  CHECK(run(s, {"map", "square", "--array", "7-8"}).out == "1\n4\n");
  CHECK(compact(to_json(s.submitted.at(0).tasks.at(0).arguments)) == "[7]");
  temporary_file empty("\n\n");
  auto o = run(s, {"map", "f", "--args", empty.path});
  CHECK(o.code == 0);
  CHECK(o.out.empty());
  CHECK(s.submitted.size() == 1);
  CHECK(run(s, {"map", "f"}).code == 2);
}

TEST_CASE("map --no-wait leaves a detached job behind") {
  script s;
  auto o = run(s, {"map", "f", "--array", "1-2", "--no-wait", "-o", "quiet"});
  CHECK(o.code == 0);
  CHECK(o.out == "12\n");
  CHECK(s.submitted.at(0).lifetime == protocol::lifetime::detached);
  CHECK_FALSE(s.submitted.at(0).want_results);
}

TEST_CASE("a graph with mistakes is bad usage, all of them with their places") {
  script s;
  temporary_file graph("tasks:\n  - {id: a, exec: ls}\n  - {id: b, call: f, after: [x]}\n");
  auto o = run(s, {"run", graph.path});
  CHECK(o.code == 2);
  has(o.err, graph.path + ":2:19: task \"a\": exec: must be a list");
  has(o.err, graph.path + ":3:30: task \"b\": after: no task has the id \"x\"");
  CHECK(s.connects.empty());
}

TEST_CASE("run submits a graph and returns; with --wait its end is the exit code") {
  script s;
  temporary_file graph("name: g\ntasks:\n  - {id: a, exec: [ls]}\n  - {id: b, call: f, after: [a]}\n");
  auto o = run(s, {"run", graph.path, "-o", "quiet"});
  CHECK(o.code == 0);
  CHECK(o.out == "12\n");
  CHECK(s.submitted.at(0).hold);
  CHECK(s.submitted.at(0).tasks.at(1).label == "b");
  s.outcomes = {value{}, value{}};
  s.answer("job", failed_job);
  s.answer("tasks", R"({"tasks": []})");
  CHECK(run(s, {"run", graph.path, "--wait"}).code == 1);
  CHECK(run(s, {"run", graph.path, "--print", "c"}).code == 2);
}

TEST_CASE("run --print shows only the result of one task") {
  script s;
  temporary_file graph("tasks:\n  - {id: a, call: f}\n  - {id: b, call: g, args: [{from: a}]}\n");
  s.outcomes = {value{}, value{}};
  s.answer("job", finished_job);
  s.answers["result"].push_back(json{{"value", {{"$bin", "kwECAw=="}}}});  // [1, 2, 3]
  auto o = run(s, {"run", graph.path, "--print", "b"});
  CHECK(o.code == 0);
  CHECK(o.out == "[1,2,3]\n");
  CHECK(s.asked.back().second == json{{"id", "12.1"}});
}

TEST_CASE("Ctrl-C cancels the job and waits for its end; twice at once cancels it and leaves") {
  temporary_file graph("tasks:\n  - {id: a, exec: [ls]}\n");
  for (std::vector<std::string> line :
       {std::vector<std::string>{"submit", "--wait", "--", "ls"},
        std::vector<std::string>{"map", "f", "--array", "1-2"},
        std::vector<std::string>{"run", graph.path, "--wait"}}) {
    CAPTURE(line[0]);
    script once;
    once.outcomes = {value{}, value{}};
    once.answer("job", failed_job);
    once.answer("tasks", R"({"tasks": []})");
    once.interrupts = 1;
    auto o = run(once, line);
    CHECK(once.cancelled == std::vector<std::string>{"cancelled by Ctrl-C"});
    CHECK(o.err.find("left before") == std::string::npos);

    script twice = once;
    twice.cancelled.clear();
    twice.asked.clear();
    twice.interrupts = 2;
    o = run(twice, line);
    CHECK(o.code == 130);
    CHECK(twice.cancelled == std::vector<std::string>{"cancelled by Ctrl-C"});
    has(o.err, "left before job 12 was over");
  }
}
