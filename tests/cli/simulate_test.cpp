// troupe simulate as a command; the simulator itself is tested in tests/autoscaler/simulator.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "fake_services.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace troupe;
using namespace troupe::cli;
using namespace troupe::cli::test;

namespace {

struct sandbox {
  tests::temporary_folder folder;
  script s;

  std::string write(const char* name, const std::string& text) {
    const auto file = (folder.path() / name).string();
    std::ofstream(file) << text;
    return file;
  }
  std::string read(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(folder.path() / name).rdbuf();
    return text.str();
  }
  std::string cluster() {
    return write("cluster.yaml",
                 "cluster: {name: c}\npools: [{name: p, provider: {type: fake, launch_delay: 20s}, "
                 "max: 20, cost_per_hour: 2, worker: {slots: 1}}]\n");
  }
  auto simulate(std::vector<std::string> more) {
    std::vector<std::string> words{"simulate", "-f", cluster()};
    if (std::find(more.begin(), more.end(), "--length") == more.end())
      more.insert(more.end(), {"--length", "20m"});
    words.insert(words.end(), more.begin(), more.end());
    return run(s, words);
  }
};

}  // namespace

TEST_CASE("every policy is one object of an array, in the order of the manual") {
  sandbox b;
  auto o = b.simulate({"--load", "step", "--policy", "all", "-o", "json"});
  CHECK(o.code == 0);
  auto all = json::parse(o.out);
  REQUIRE(all.is_array());
  REQUIRE(all.size() == 4);
  CHECK(all[0]["policy"] == "ours");
  CHECK(all[1]["policy"] == "dask");
  CHECK(all[2]["policy"] == "hpa");
  CHECK(all[3]["policy"] == "fixed");
  CHECK(all[3]["knob"] == 20);
  for (const auto& r : all) {
    CHECK(r["finished"] == r["tasks"]);
    CHECK(r["cost"].get<double>() == Approx(2 * r["worker_hours"].get<double>()).margin(0.01));
    CHECK(r["wait_p50_s"] <= r["wait_p95_s"]);
    CHECK(r["wait_p95_s"] <= r["wait_p99_s"]);
  }
  CHECK(b.simulate({"--load", "step", "--policy", "all", "-o", "json"}).out == o.out);
  CHECK(b.s.connects.empty());
}

TEST_CASE("one policy is an array of one; the table has a line for each") {
  sandbox b;
  CHECK(json::parse(b.simulate({"-o", "json"}).out).size() == 1);
  auto o = b.simulate({"--policy", "hpa,fixed"});
  CHECK(o.out.find("WAIT P50") != std::string::npos);
  CHECK(std::count(o.out.begin(), o.out.end(), '\n') == 3);
}

TEST_CASE("time lines go into one file, pictures into one for each policy") {
  sandbox b;
  const auto csv = (b.folder.path() / "run.csv").string();
  const auto svg = (b.folder.path() / "run.svg").string();
  CHECK(b.simulate({"--policy", "ours,dask", "--time-line", csv, "--plot", svg}).code == 0);
  const auto lines = b.read("run.csv");
  CHECK(lines.starts_with("policy,seconds,waiting,"));
  CHECK(lines.find("\nours,") < lines.find("\ndask,"));
  CHECK(b.read("run-ours.svg").starts_with("<svg"));
  CHECK(b.read("run-dask.svg").ends_with("</svg>\n"));
}

TEST_CASE("bad arguments of a simulation are bad usage, in words") {
  sandbox b;
  auto says = [&](std::vector<std::string> words, const char* part) {
    auto o = b.simulate(std::move(words));
    INFO(o.err);
    CHECK(o.code == 2);
    CHECK(o.err.find(part) != std::string::npos);
  };
  says({"--load", "diurnl"}, "(did you mean \"diurnal\"?)");
  says({"--policy", "best"}, "is none of ours, dask, hpa, fixed, all");
  says({"--boot", "2m-1m"}, "--boot: \"2m-1m\" is not a time (30s)");
  says({"--period", "5"}, "--period: \"5\" is not a time");
  says({"--rate", "0"}, "rate");
  says({"--crashes", "-1"}, "crashes");
  says({"--length", "100000d"}, "--length: \"100000d\" is more than 3650d");
  says({"--run-time", "1s~60000d"}, "each up to 3650d");
  says({"--hpa-sync", "1ns", "--policy", "hpa"}, "--hpa-sync: \"1ns\" is less than 10ms");
  says({"--load", "burst", "--length", "3650d", "--rate", "1000000"}, "--rate: a burst would have");
  says({"--load", b.write("bad.csv", "submit,run_time\n1,x\n")}, "bad.csv:2: run_time \"x\"");
  auto o = run(b.s, {"simulate", "-f", "missing.yaml"});
  CHECK(o.code == 2);
  CHECK(o.err.find("missing.yaml") != std::string::npos);
}

TEST_CASE("a fake provider that is full gives no more machines") {
  sandbox b;
  const auto file = b.write("small.yaml",
                            "cluster: {name: c}\npools: [{name: p, provider: {type: fake, capacity: 3}, "
                            "max: 20, worker: {slots: 1}}]\n");
  auto o = run(b.s, {"simulate", "-f", file, "--length", "20m", "-o", "json"});
  CHECK(o.code == 0);
  const auto r = json::parse(o.out)[0];
  CHECK(r["peak_busy"] == 3);
  CHECK(r["failed_starts"] > 0);
  CHECK(r["finished"] == r["tasks"]);
}

TEST_CASE("what the rivals ignore of the file is said, and why work is refused") {
  sandbox b;
  const auto file = b.write("capped.yaml",
                            "cluster: {name: c}\npools: [{name: p, provider: {type: fake}, max: 20, "
                            "worker: {slots: 1}}]\nautoscaler: {max_workers: 5}\n");
  auto simulate = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"simulate", "-f", file, "--length", "5m"};
    words.insert(words.end(), more.begin(), more.end());
    return run(b.s, words).err;
  };
  const std::string warning = "autoscaler.max_workers is ignored by all policies but ours";
  CHECK(simulate({"--policy", "all"}).find(warning) != std::string::npos);
  CHECK(simulate({}).find(warning) == std::string::npos);
  const auto jobs = b.write("jobs.csv", "submit,run_time,pool\n0,1,nowhere\n");
  const auto refused = simulate({"--load", jobs});
  INFO(refused);
  CHECK(refused.find("1 task refused, the first because ") != std::string::npos);
  CHECK(refused.find("nowhere") != std::string::npos);
}
