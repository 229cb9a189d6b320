#include <fcntl.h>
#include <signal.h>

#include "tests/worker/executor_world.hpp"
#include "tests/worker/process_marks.hpp"
#include "worker/spawn.hpp"

using namespace troupe;
using namespace troupe::worker;
using namespace std::chrono_literals;

namespace {

// A guarded worker in processes of its own, running shell scripts.
struct guarded_process {
  temporary_folder folder;
  std::optional<child_process> guardian;
  pid_t worker = 0;

  explicit guarded_process(std::vector<std::string> scripts) {
    spawn_request r;
    r.argv = {TEST_GUARDED, (folder.path / "ready").string()};
    // In files, so that a script's marks are in no command line but those of what it starts.
    for (const auto& script : scripts) {
      r.argv.push_back((folder.path / std::to_string(r.argv.size())).string());
      std::ofstream{r.argv.back()} << script;
    }
    r.env = {"PATH=/usr/bin:/bin"};
    unique_fd log{open((folder.path / "stderr").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};
    r.stderr_fd = log.get();
    auto child = spawn(r);
    REQUIRE(child);
    guardian.emplace(std::move(*child));
    REQUIRE(eventually([&] { return std::filesystem::exists(folder.path / "ready"); }));
    std::ifstream{folder.path / "ready"} >> worker;
  }
  // Its exit status; at once, or within the time a guardian has.
  exit_status end_of_guardian() {
    REQUIRE(guardian->wait(-1, clock::now() + 10s) == child_process::wait_result::ended);
    return guardian->reap();
  }
  std::string said() const {
    std::ifstream in{folder.path / "stderr"};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

// A shell script that runs for ever, with this word in its command line.
std::string forever(const std::string& mark) {
  return "sh -c 'trap : TERM; while :; do sleep 0.05; done' " + mark;
}
// The same, as a daemon: in a session of its own, its parent gone.
std::string daemon(const std::string& mark) {
  return "(setsid setsid sh -c 'trap : TERM; while :; do sleep 0.05; done' " + mark +
         " </dev/null >/dev/null 2>&1 &) ";
}

}  // namespace

TEST_CASE("when a worker is killed, its tasks and their daemons are gone within two seconds") {
  auto mark = unique_mark("guarded");
  guarded_process p{{forever(mark + "-plain"), daemon(mark + "-daemon") + "; sleep 600",
                     "setsid " + forever(mark + "-session") + " & sleep 600"}};
  REQUIRE(eventually([&] {
    return lives(mark + "-plain") && lives(mark + "-daemon") && lives(mark + "-session");
  }));
  ::kill(p.worker, SIGKILL);
  auto begin = clock::now();
  CHECK(eventually([&] { return !lives(mark); }, 2s));
  auto status = p.end_of_guardian();
  CHECK(clock::now() - begin < 4s);
  CHECK(status.code == 128 + SIGKILL);
  CHECK(p.said().find("the worker was killed by signal 9 (SIGKILL)") != std::string::npos);
}

TEST_CASE("when a worker ends by itself, its status is the guardian's") {
  guarded_process p{{}};
  ::kill(p.guardian->pid(), SIGTERM);  // passed on
  CHECK(p.end_of_guardian().code == 5);
}

TEST_CASE("when the guardian is killed, the worker ends its tasks and itself") {
  auto mark = unique_mark("orphaned");
  guarded_process p{{forever(mark + "-plain"), daemon(mark + "-daemon") + "; sleep 600"}};
  REQUIRE(eventually([&] { return lives(mark + "-plain") && lives(mark + "-daemon"); }));
  ::kill(p.guardian->pid(), SIGKILL);
  CHECK(eventually([&] { return !lives(mark) && ::kill(p.worker, 0) != 0; }, 4s));
  p.guardian->reap();
}

TEST_CASE("a daemon that a command leaves behind ends with the command; its neighbours go on") {
  auto mark = unique_mark("daemons");
  temporary_folder f;
  auto go = (f.path / "go").string();
  guarded_process p{{daemon(mark + "-a") + "; while [ ! -e " + go + " ]; do sleep 0.02; done",
                     daemon(mark + "-b") + "; " + forever(mark + "-b")}};
  REQUIRE(eventually([&] {
    return lives(mark + "-a") && processes_marked(mark + "-b").size() >= 2;
  }));
  std::ofstream{go} << "x";
  CHECK(eventually([&] { return !lives(mark + "-a"); }));
  CHECK(processes_marked(mark + "-b").size() >= 2);
  ::kill(p.guardian->pid(), SIGTERM);
  CHECK(p.end_of_guardian().code == 5);
  CHECK_FALSE(lives(mark));
}

TEST_CASE("a process that forks without end does not outlive its worker") {
  auto mark = unique_mark("forks");
  // Each generation starts the next in a session of its own and ends.
  guarded_process p{{"cat > f <<'END'\nsetsid sh f " + mark + " & sleep 0.02\nEND\nsh f " + mark +
                     "; sleep 600"}};
  REQUIRE(eventually([&] { return lives(mark); }));
  ::kill(p.worker, SIGKILL);
  CHECK(eventually([&] { return !lives(mark); }, 2s));
  CHECK(p.end_of_guardian().code == 128 + SIGKILL);
}
