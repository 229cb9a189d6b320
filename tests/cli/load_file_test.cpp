// Files of recorded work: read as they should be, and refused by line.
#include "cli/load_file.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace troupe;
using namespace troupe::cli;
using namespace std::chrono_literals;

namespace {

std::string refused(const result<file_load>& r) {
  return r ? "taken" : r.error().message;
}

const std::string openb_columns =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,"
    "deletion_time,scheduled_time\n";

std::string workflow(const std::string& specified, const std::string& executed) {
  return R"({"workflow": {"specification": {"tasks": [)" + specified +
         R"(]}, "execution": {"tasks": [)" + executed + "]}}}";
}

}  // namespace

TEST_CASE("jobs are read by the names of their columns, in any order, and sorted by time") {
  auto r = read_job_csv(
      "# a comment\nrun_time,submit,name,count,cpus,resources,priority\n"
      "90,60,late,1,2,GPU=1;licence=0.5,3\n1m30s,0.5,early,3,,,\n",
      "jobs.csv");
  REQUIRE(r);
  REQUIRE(r->load.submissions.size() == 2);
  const auto& first = r->load.submissions[0];
  CHECK(first.at == 500ms);
  CHECK(first.tasks.size() == 3);
  CHECK(first.tasks[0].run_time == 90s);
  const auto& kind = r->load.kinds[r->load.submissions[1].tasks[0].kind];
  CHECK(kind.function == "late");
  CHECK(kind.resources == resource_set{{"cpus", 2}, {"GPU", 1}, {"licence", 0.5}});
  CHECK(kind.priority == 3);
}

TEST_CASE("what is wrong with a file of jobs is said with its line") {
  auto says = [](const char* text) { return refused(read_job_csv(text, "jobs.csv")); };
  CHECK(says("") == "jobs.csv:1: the file is empty");
  CHECK(says("submit,runtime\n") ==
        "jobs.csv:1: there is no column \"runtime\" (did you mean \"run_time\"?); known: submit, "
        "run_time, name, count, cpus, resources, pool, priority, expected");
  CHECK(says("submit\n1\n") ==
        "jobs.csv:1: the first line names the columns, and \"run_time\" is missing");
  CHECK(says("submit,run_time\n1,2\n1\n") == "jobs.csv:3: 1 fields, but 2 columns");
  CHECK(says("submit,run_time\n1,soon\n") ==
        "jobs.csv:2: run_time \"soon\" is neither seconds nor like 1m30s");
  CHECK(says("submit,run_time\n-1,1\n") == "jobs.csv:2: submit -1 is not from 0 s to 10 years");
  CHECK(says("submit,run_time,count\n1,1,0\n") ==
        "jobs.csv:2: count \"0\" is not a whole number from 1 to 20000000");
  CHECK(says("submit,run_time,cpus\n1,1,-2\n") ==
        "jobs.csv:2: cpus \"-2\" is not from 0.001 to 1e+09");
  CHECK(says("submit,run_time,priority\n1,1,5e9\n") ==
        "jobs.csv:2: priority \"5e9\" is not a whole number from -2147483648 to 2147483647");
  CHECK(says("submit,run_time,submit\n1,1,1\n") == "jobs.csv:1: the column \"submit\" is there twice");
  CHECK(says("submit,run_time,name\n1,1,\"a\n") == "jobs.csv:2: a quote is not closed");
}

TEST_CASE("pods of openb run from scheduling to deletion, and share GPUs") {
  auto r = read_openb(openb_columns +
                          "a,12000,16384,1,460,,LS,Running,100,700,130\n"
                          "b,8000,1024,4,1000,,BE,Failed,90,200,95\n"
                          "c,8000,1024,0,0,,BE,Pending,90,,\n",
                      "pods.csv");
  REQUIRE(r);
  CHECK(r->skipped == 1);
  REQUIRE(r->load.submissions.size() == 2);
  CHECK(r->load.submissions[0].at == 90s);
  const auto& a = r->load.submissions[1].tasks[0];
  CHECK(a.run_time == 570s);
  CHECK(r->load.kinds[a.kind].resources == resource_set{{"cpus", 12}, {"GPU", 0.46}});
  const auto& b = r->load.submissions[0].tasks[0];
  CHECK(r->load.kinds[b.kind].resources.get("GPU") == 4 * one_unit);
  CHECK(refused(read_openb(openb_columns + "a,x,1,1,1,,LS,Running,1,2,1\n", "pods.csv")) ==
        "pods.csv:2: cpu_milli \"x\" is not a number");
  CHECK(refused(read_openb(openb_columns + "a,1,1,1,1,,LS,Running,1,2,5\n", "pods.csv")) ==
        "pods.csv:2: the time it ran -3 is not from 0 s to 10 years");
}

TEST_CASE("a job of the Standard Workload Format is a task for each processor") {
  const std::string job = " 1 10 5 60 4 -1 -1 8 -1 -1 1 7 1 3 1 -1 -1 -1\n";
  auto r = read_swf("; a header\n" + job + "2 0 0 -1 4 -1 -1 4 -1 -1 0 7 1 3 1 -1 -1 -1\n", "log.swf");
  REQUIRE(r);
  CHECK(r->skipped == 1);
  REQUIRE(r->load.submissions.size() == 1);
  CHECK(r->load.submissions[0].tasks.size() == 4);
  CHECK(r->load.submissions[0].tasks[0].run_time == 60s);
  CHECK(r->load.kinds[0].function == "program 3");
  // Numbers of programs are names: all their digits count.
  auto program = [](const char* n) { return std::string{"1 10 5 60 1 -1 -1 8 -1 -1 1 7 1 "} + n + " 1 -1 -1 -1\n"; };
  auto two = read_swf(program("1234567") + program("1234568"), "log.swf");
  REQUIRE(two);
  CHECK(two->load.kinds.size() == 2);
  CHECK(two->load.kinds[0].function == "program 1234567");
  CHECK(refused(read_swf("1 2 3\n", "log.swf")) == "log.swf:1: 3 fields where SWF has 18");
  CHECK(refused(read_swf(";\n1 x 3\n", "log.swf")) == "log.swf:2: field 2: \"x\" is not a number");
}

TEST_CASE("a workflow is a graph whose run times come from its execution") {
  auto r = read_wfformat(
      workflow(R"({"name": "make_ID0000001", "id": "a", "parents": []},
                  {"name": "make_ID0000002", "id": "b", "parents": ["a"]})",
               R"({"id": "b", "runtimeInSeconds": 2.5}, {"id": "a", "runtimeInSeconds": 1})"),
      "w.json");
  REQUIRE(r);
  REQUIRE(r->load.submissions.size() == 1);
  const auto& tasks = r->load.submissions[0].tasks;
  CHECK(tasks[0].run_time == 1s);
  CHECK(tasks[1].run_time == 2500ms);
  CHECK(tasks[1].after == std::vector<std::uint32_t>{0});
  CHECK(r->load.kinds.size() == 1);
  CHECK(r->load.kinds[0].function == "make");
}

TEST_CASE("what is wrong with a workflow is said with its task") {
  auto says = [](const std::string& text) { return refused(read_wfformat(text, "w.json")); };
  CHECK(says("{").starts_with("w.json: not JSON, at line 1"));
  CHECK(says("[]") == "w.json: it is not a JSON object");
  CHECK(says("{}") == "w.json: the file has no \"workflow\"");
  CHECK(says(workflow(R"({"id": "a", "parents": []})", "")) ==
        "w.json: task \"a\" is not among those of execution");
  CHECK(says(workflow(R"({"id": "a", "name": 5, "parents": []})",
                      R"({"id": "a", "runtimeInSeconds": 1})")) ==
        "w.json: task \"a\": its name is not a string");
  CHECK(says(workflow(R"({"id": "a", "parents": ["x"]})", R"({"id": "a", "runtimeInSeconds": 1})")) ==
        "w.json: task \"a\" has a parent that is no task: \"x\"");
  CHECK(says(workflow(R"({"id": "a", "parents": ["a"]})", R"({"id": "a", "runtimeInSeconds": 1})")) ==
        "w.json: the parents of its tasks form a cycle");
  CHECK(says(workflow(R"({"id": "a", "parents": []})", R"({"id": "a", "runtimeInSeconds": "1"})")) ==
        "w.json: task \"a\": \"runtimeInSeconds\" is not a number from 0 on");
}

TEST_CASE("numbers that nothing could hold are refused, not computed with") {
  auto csv = [](const std::string& columns, const std::string& values) {
    return refused(read_job_csv("submit,run_time" + columns + "\n" + values + "\n", "jobs.csv"));
  };
  CHECK(csv("", "0,1e300") == "jobs.csv:2: run_time 1e+300 is not from 0 s to 10 years");
  CHECK(csv("", "0,100000d") == "jobs.csv:2: run_time 8.64e+09 is not from 0 s to 10 years");
  CHECK(csv(",expected", "0,1,4000d") == "jobs.csv:2: expected 3.456e+08 is not from 0 s to 10 years");
  CHECK(csv(",cpus", "0,1,1e300") == "jobs.csv:2: cpus \"1e300\" is not from 0.001 to 1e+09");
  CHECK(csv(",resources", "0,1,GPU=1e10") ==
        "jobs.csv:2: resources \"GPU=1e10\": more than 1e+09 of GPU");
  CHECK(csv(",count", "0,1,1e300").find("is not a whole number") != std::string::npos);
  CHECK(csv(",count", "0,1,15000000\n0,1,5000001") ==
        "jobs.csv:3: with this line there are more than 20,000,000 tasks, which is more than one "
        "simulation takes");
  auto pod = [](const char* values) { return refused(read_openb(openb_columns + values, "p.csv")); };
  CHECK(pod("a,1e300,1,1,1,,LS,Running,1,2,1\n") ==
        "p.csv:2: cpu_milli \"1e300\" is not from 0 to 1e+12");
  CHECK(pod("a,-5,1,1,1,,LS,Running,1,2,1\n") == "p.csv:2: cpu_milli \"-5\" is not from 0 to 1e+12");
  CHECK(pod("a,1,1,1e300,1,,LS,Running,1,2,1\n").starts_with("p.csv:2: num_gpu"));
  CHECK(pod("a,1,1,1,1,,LS,Running,1,1e300,1\n").starts_with("p.csv:2: deletion_time"));
  CHECK(refused(read_wfformat(
            workflow(R"({"id": "a", "parents": []})",
                     R"({"id": "a", "runtimeInSeconds": 1, "coreCount": 1e300})"),
            "w.json")) == "w.json: task \"a\": \"coreCount\" is more than 1e+09");
}

TEST_CASE("speed divides all times, what users expect too, and makes none too long") {
  tests::temporary_folder folder;
  const auto file = (folder.path() / "jobs.csv").string();
  std::ofstream(file) << "submit,run_time,expected\n0,10,20\n31536000,10,\n";
  auto r = read_load_file(file, {"", 10, 0});
  REQUIRE(r);
  CHECK(r->load.kinds[0].expected == 2s);
  CHECK(refused(read_load_file(file, {"", 0.001, 0})) ==
        file + ": at a speed of 0.001 some of its times are longer than 10 years");
}

TEST_CASE("a file's kind is told by its name or first line, and its times begin at 0") {
  tests::temporary_folder folder;
  auto write = [&](const char* name, const std::string& text) {
    const auto file = (folder.path() / name).string();
    std::ofstream(file) << text;
    return file;
  };
  auto r = read_load_file(write("jobs.csv", "submit,run_time\n100,10\n160,10\n170,1\n"), {"", 10, 2});
  REQUIRE(r);
  REQUIRE(r->load.submissions.size() == 2);
  CHECK(r->load.submissions[0].at == 0s);
  CHECK(r->load.submissions[1].at == 6s);
  CHECK(r->load.submissions[1].tasks[0].run_time == 1s);
  CHECK(read_load_file(write("pods.csv", openb_columns + "a,1,1,1,1,,LS,Running,1,2,1\n"), {}));
  CHECK(refused(read_load_file(write("what", "?"), {})).find("Say --format csv") != std::string::npos);
  CHECK(refused(read_load_file(write("none.swf", "; nothing\n"), {})).ends_with("nothing in it ran"));
}
