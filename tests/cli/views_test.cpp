#include "fake_services.hpp"
#include "libruntime/base64.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::cli;
using namespace troupe::cli::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  INFO("in: " << text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

constexpr auto two_tasks = R"({"tasks": [
  {"id": "12.0", "state": "finished", "attempt": 1, "worker": "here-1", "function": "[ls]",
   "label": "", "why": "", "error": null, "run_time": 0.25},
  {"id": "12.1", "state": "failed", "attempt": 2, "worker": "", "function": "[ls]", "label": "b",
   "why": "", "error": {"code": "task_error", "message": "exit\ncode 3", "type": ""}}]})";

}  // namespace

TEST_CASE("tables are for people, JSON is the cluster's answer, quiet is ids") {
  script s;
  s.answer("tasks", two_tasks);
  auto o = run(s, {"tasks", "12"});
  CHECK(o.code == 0);
  CHECK(o.out ==
        "ID    STATE     TRY  WORKER   TIME  WHAT  WHY\n"
        "12.0  finished    1  here-1  250ms  [ls]\n"
        "12.1  failed      2                 b     exit code 3\n");
  o = run(s, {"tasks", "12", "-o", "json"});
  CHECK(json::parse(o.out) == json::parse(two_tasks)["tasks"]);
  CHECK(run(s, {"tasks", "12", "-o", "quiet"}).out == "12.0\n12.1\n");
  CHECK(s.asked.back().second["job"] == "12");
}

TEST_CASE("a script gets all tasks, a page at a time") {
  script s;
  json full{{"tasks", json::array()}};
  for (int i = 0; i < 1000; ++i) full["tasks"].push_back({{"id", "1." + std::to_string(i)}});
  s.answers["tasks"].push_back(full);
  s.answer("tasks", R"({"tasks": [{"id": "1.1000"}]})");
  auto o = run(s, {"tasks", "-o", "json"});
  CHECK(json::parse(o.out).size() == 1001);
  CHECK(s.asked.at(1).second["offset"] == 1000);
}

TEST_CASE("a table says that there is more than it shows") {
  script s;
  s.answer("tasks", R"({"tasks": [{"id": "1.0"}, {"id": "1.1"}, {"id": "1.2"}]})");
  auto o = run(s, {"tasks", "--limit", "2"});
  CHECK(o.out.find("1.1") != std::string::npos);
  CHECK(o.out.find("1.2") == std::string::npos);
  has(o.err, "… and more");
}

TEST_CASE("status shows cluster, tasks and pools, and fits 80 columns") {
  script s;
  s.answer("status", R"({"cluster": {"name": "demo", "address": "127.0.0.1:7400",
    "http": "127.0.0.1:7401", "uptime": 185.2, "version": "troupe/0.1.0"},
    "tasks": {"waiting": 0, "ready": 1200, "running": 4, "finished": 0}, "workers": 4,
    "pools": [{"name": "here", "provider": "local", "min": 0, "max": 4, "target": 4,
               "registered": 4, "launching": 0, "draining": 0, "backoff": null},
              {"name": "gpu", "provider": "local", "min": 0, "max": null, "target": 1,
               "registered": 0, "launching": 0, "draining": 0,
               "backoff": {"until": 0, "reason": "the worker ended with exit code 1 before it registered, three times"}}]})");
  auto o = run(s, {"status"}, terminal{true, false, false, false, 80});
  CHECK(o.code == 0);
  has(o.out, "Cluster   demo at 127.0.0.1:7400, http://127.0.0.1:7401\n");
  has(o.out, "Up        3m05s");
  has(o.out, "Tasks     1,200 ready, 4 running\n");
  has(o.out, "backing off");
  std::size_t begin = 0;
  for (auto end = o.out.find('\n'); end != std::string::npos; end = o.out.find('\n', begin)) {
    CHECK(end - begin <= 84);  // bytes; "…" has three
    begin = end + 1;
  }
  CHECK(json::parse(run(s, {"status", "-o", "json"}).out)["pools"][1]["max"] == nullptr);
}

TEST_CASE("an empty list is a title in a table and [] for a script") {
  script s;
  s.answer("workers", R"({"workers": []})");
  has(run(s, {"workers"}).out, "NAME");
  CHECK(run(s, {"workers", "-o", "json"}).out == "[]\n");
  CHECK(run(s, {"workers", "-o", "quiet"}).out.empty());
}

TEST_CASE("scale sends what was asked for and nothing else") {
  script s;
  s.answer("scale", R"({"name": "here", "target": 4, "min": 4, "max": 4})");
  CHECK(run(s, {"scale", "here", "4"}).code == 0);
  CHECK(s.asked.back().second == json::parse(R"({"pool": "here", "workers": 4})"));
  CHECK(run(s, {"scale", "here", "--min", "0", "--max", "8"}).code == 0);
  CHECK(s.asked.back().second == json::parse(R"({"pool": "here", "min": 0, "max": 8})"));
  CHECK(run(s, {"scale", "here", "--max", "unlimited"}).code == 0);
  CHECK(s.asked.back().second == json::parse(R"({"pool": "here", "max": null})"));
  auto asked = s.asked.size();
  CHECK(run(s, {"scale", "here"}).code == 2);
  CHECK(run(s, {"scale", "here", "4", "--max", "8"}).code == 2);
  CHECK(run(s, {"scale", "here", "--min", "9", "--max", "8"}).code == 2);
  CHECK(run(s, {"scale", "here", "--max", "many"}).code == 2);
  CHECK(run(s, {"scale", "here", "-1"}).code == 2);
  CHECK(s.asked.size() == asked);
}

TEST_CASE("cancel, retry and drain send one request each") {
  script s;
  s.answer("cancel", R"({"cancelled": "12"})");
  s.answer("retry", R"({"retried": "12.3"})");
  s.answer("drain", R"({"worker": "here-1", "state": "draining"})");
  CHECK(run(s, {"cancel", "12", "13.1", "--reason", "why"}).code == 0);
  CHECK(s.asked.at(0).second == json::parse(R"({"id": "12", "reason": "why"})"));
  CHECK(s.asked.at(1).second["id"] == "13.1");
  CHECK(run(s, {"retry", "12.3", "-o", "quiet"}).out == "12.3\n");
  CHECK(run(s, {"drain", "here-1"}).out == "Worker here-1 is draining\n");
  CHECK(s.asked.back().second["on"] == true);
  CHECK(run(s, {"drain", "here-1", "--undo"}).code == 0);
  CHECK(s.asked.back().second["on"] == false);
}

TEST_CASE("explain says a task's reason, and groups those of a job") {
  script s;
  s.answer("why", R"({"id": "12.1", "state": "ready", "why": "pool \"here\" is at its maximum"})");
  CHECK(run(s, {"explain", "12.1"}).out == "Task 12.1 is ready: pool \"here\" is at its maximum\n");
  s.answer("tasks", R"({"tasks": [{"id": "12.0", "state": "ready", "why": "x"},
                                  {"id": "12.1", "state": "ready", "why": "x"},
                                  {"id": "12.2", "state": "running", "why": ""}]})");
  auto o = run(s, {"explain", "12", "-o", "json"});
  CHECK(json::parse(o.out)[0] ==
        json::parse(R"({"state": "ready", "why": "x", "tasks": 2, "first": "12.0"})"));
}

TEST_CASE("logs copy both streams to where they belong") {
  script s;
  auto chunk = [](const std::string& text, bool done) {
    return json{{"data", {{"$bin", base64({reinterpret_cast<const std::byte*>(text.data()),
                                           text.size()})}}},
                {"offset", 0}, {"size", text.size()}, {"done", done}};
  };
  s.answers["logs.read"] = {chunk("out\n", true), chunk("err\n", true)};
  auto o = run(s, {"logs", "12.0"});
  CHECK(o.code == 0);
  CHECK(o.out == "out\n");
  CHECK(o.err == "err\n");
  CHECK(s.asked.at(0).second["stream"] == "out");
  CHECK(s.asked.at(1).second["stream"] == "err");
}

TEST_CASE("lines of a job of several tasks begin with their task") {
  script s;
  s.answer("job", R"({"id": "12", "tasks": {"finished": 2}})");
  s.answer("tasks", R"({"tasks": [{"id": "12.0", "state": "finished"},
                                  {"id": "12.1", "state": "finished"}]})");
  s.answer("tasks", R"({"tasks": []})");
  auto text = json{{"data", "a\nb"}, {"offset", 0}, {"size", 3}, {"done", true}};
  s.answers["logs.read"] = {text, text};
  auto o = run(s, {"logs", "12", "--stream", "out"});
  CHECK(o.code == 0);
  CHECK(o.out == "12.0| a\n12.0| b\n12.1| a\n12.1| b\n");
}

TEST_CASE("decisions are shown with their reasons") {
  script s;
  s.answer("autoscaler.log", R"({"decisions": [{"number": 7, "at": 1700000000.5, "pool": "here",
           "direction": "up", "from": 0, "to": 4, "reason": "400 ready tasks", "inputs": {}}]})");
  auto o = run(s, {"autoscaler", "log"});
  has(o.out, "0 → 4");
  has(o.out, "400 ready tasks");
  CHECK(run(s, {"autoscaler", "log", "--pool", "other", "-o", "json"}).out == "[]\n");
  s.answer("autoscaler.pause", R"({"paused": "down"})");
  CHECK(run(s, {"autoscaler", "pause", "down"}).code == 0);
  CHECK(s.asked.back().second["direction"] == "down");
}

TEST_CASE("decisions with signals show them, the unavailable ones with why") {
  script s;
  const auto answer = R"({"decisions": [{"number": 7, "at": 1700000000.5, "pool": "here",
           "direction": "none", "from": 4, "to": 4, "reason": "4 workers wanted", "inputs": {"signals": [
           {"name": "latency", "value": 0.3125, "target": 0.2, "trouble": null},
           {"name": "depth", "value": 3, "target": 5, "trouble": "timeout"}]}}]})";
  s.answer("autoscaler.log", answer);
  auto o = run(s, {"autoscaler", "log"});
  has(o.out, "SIGNALS");
  has(o.out, "latency 0.3125 of 0.2, depth unavailable: timeout");
  s.answer("autoscaler.log", answer);
  has(run(s, {"autoscaler", "log", "-o", "json"}).out, "\"trouble\": \"timeout\"");
}

TEST_CASE("a pool's size is explained in sentences") {
  script s;
  const auto answer = R"({"pool": "here", "why": ["Pool here has 2 workers.", "No task waits."],
                          "changes": ["It shrinks in 18s."], "decision": {}})";
  s.answer("autoscaler.explain", answer);
  auto o = run(s, {"autoscaler", "explain", "here"});
  CHECK(o.code == 0);
  CHECK(s.asked.back().second["pool"] == "here");
  CHECK(o.out == "Pool here has 2 workers.\nNo task waits.\n\nWhat would change it\n"
                 "  It shrinks in 18s.\n");
  s.answer("autoscaler.explain", answer);
  CHECK(run(s, {"autoscaler", "explain", "here", "-o", "quiet"}).out == "Pool here has 2 workers.\n");
  CHECK(run(s, {"autoscaler", "explain"}).code == 2);
}

TEST_CASE("progress is drawn on a terminal only, and removed before words") {
  std::string err;
  output out([](std::string_view) {}, [&](std::string_view t) { err += t; },
             terminal{true, true, false, false, 80});
  out.progress({10, 5, 0, 1});
  has(err, "\r\x1b[K[");
  out.progress({10, 6, 0, 1});  // too soon
  CHECK(err.find("6/10") == std::string::npos);
  err.clear();
  out.note("words");
  CHECK(err == "\r\x1b[Kwords\n");
  output pipe([](std::string_view) {}, [&](std::string_view t) { err += t; }, terminal{});
  err.clear();
  pipe.progress({10, 5, 0, 1});
  CHECK(err.empty());
}

TEST_CASE("logs --attempt asks for that attempt's part") {
  script s;
  s.answers["logs.read"] = {json{{"data", {{"$bin", ""}}}, {"offset", 0}, {"size", 0}, {"done", true}}};
  CHECK(run(s, {"logs", "12.0", "--attempt", "2"}).code == 0);
  CHECK(s.asked.at(0).second["attempt"] == 2);
  CHECK(run(s, {"logs", "12", "--attempt", "2"}).code == 2);
  s.answers["logs.read"] = {fail(errc::not_found, "task 12.0 has no attempt 5; its latest is 2")};
  auto o = run(s, {"logs", "12.0", "--attempt", "5"});
  CHECK(o.code == 1);
  has(o.err, "task 12.0 has no attempt 5; its latest is 2");
}

TEST_CASE("pools say in which direction the autoscaler is paused, and that they back off") {
  script s;
  s.answer("pools", R"({"pools": [
    {"name": "a", "provider": "local", "min": 0, "max": 4, "target": 1, "registered": 1,
     "launching": 0, "draining": 0, "backoff": null, "paused": "down"},
    {"name": "b", "provider": "local", "min": 0, "max": null, "target": 1, "registered": 1,
     "launching": 0, "draining": 0, "paused": "both",
     "backoff": {"until": 0, "reason": "no such program", "failures": 3}},
    {"name": "c", "provider": "local", "min": 0, "max": 4, "target": 1, "registered": 1,
     "launching": 0, "draining": 0, "backoff": null, "paused": "none"}]})");
  auto o = run(s, {"pools"});
  has(o.out, "paused down\n");
  has(o.out, "paused; backing off 0s: no such program\n");
  CHECK(o.out.find("none") == std::string::npos);
}

TEST_CASE("a job that was refused says so, and why") {
  script s;
  s.answer("jobs", R"({"jobs": [{"id": "12", "name": "train", "owner": "ann", "state": "refused",
    "tasks": {"finished": 0}, "first_index": 0, "submitted_at": 5, "ended_at": 6,
    "error": {"code": "infeasible", "message": "no pool could ever offer GPU=4"}}]})");
  auto o = run(s, {"jobs"});
  has(o.out, "refused");
  has(o.out, "train: no pool could ever offer GPU=4");
  s.answers["job"] = {json::parse(R"({"id": "12", "name": "train", "state": "refused", "tasks": {},
    "submitted_at": 5, "ended_at": 6,
    "error": {"code": "infeasible", "message": "no pool could ever offer GPU=4"}})")};
  o = run(s, {"wait", "12"});
  CHECK(o.code == 1);
  has(o.out, "Job 12 was refused: no pool could ever offer GPU=4");
}

TEST_CASE("explain says a state once") {
  script s;
  s.answers["why"] = {json{{"id", "1.0"}, {"state", "failed"}, {"why", "failed: task_error: boom"}}};
  CHECK(run(s, {"explain", "1.0"}).out == "Task 1.0 failed: task_error: boom\n");
  s.answers["why"] = {json{{"id", "1.0"}, {"state", "finished"}, {"why", "finished on w after 3 ms"}}};
  CHECK(run(s, {"explain", "1.0"}).out == "Task 1.0 finished on w after 3 ms\n");
  s.answers["why"] = {json{{"id", "1.0"}, {"state", "running"}, {"why", "running on w since 0.1 s ago"}}};
  CHECK(run(s, {"explain", "1.0"}).out == "Task 1.0 is running on w since 0.1 s ago\n");
}
