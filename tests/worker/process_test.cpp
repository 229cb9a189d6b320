#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/worker/executor_world.hpp"
#include "worker/process_tree.hpp"
#include "worker/spawn.hpp"

using namespace troupe;
using namespace troupe::worker;
using namespace std::chrono_literals;

TEST_CASE("descendants are found across generations, and a tree ends whole") {
  spawn_request r;
  r.argv = {"/bin/sh", "-c", "(sleep 600 & sleep 600 & wait) & sleep 600 & wait"};
  auto child = spawn(r);
  REQUIRE(child);
  CHECK(eventually([&] { return descendants_of(child->pid()).size() == 4; }));
  auto below = descendants_of(child->pid());
  kill_tree(child->pid());
  CHECK(child->reap().signal == SIGKILL);
  CHECK(eventually([&] {
    for (auto pid : below)
      if (has_environment(pid, {})) return false;  // a zombie has none
    return true;
  }));
}

TEST_CASE("processes are found by exact entries of their environment") {
  auto mark = "TROUPE_MARK=" + std::to_string(getpid());
  spawn_request r;
  r.argv = {"/bin/sleep", "600"};
  r.env = {"A=1", mark};
  auto child = spawn(r);
  REQUIRE(child);
  // It is told a moment after the program has begun.
  CHECK(eventually([&] { return has_environment(child->pid(), {mark}); }));
  CHECK(has_environment(child->pid(), {mark, "A=1"}));
  CHECK_FALSE(has_environment(child->pid(), {mark + "0"}));
  CHECK_FALSE(has_environment(child->pid(), {mark.substr(0, mark.size() - 1)}));
  CHECK_FALSE(has_environment(child->pid(), {mark.substr(1)}));
  CHECK(processes_with({mark}) == std::vector<pid_t>{child->pid()});
}

TEST_CASE("a child that is dropped is killed") {
  pid_t pid = 0;
  {
    spawn_request r;
    r.argv = {"/bin/sleep", "600"};
    auto child = spawn(r);
    REQUIRE(child);
    pid = child->pid();
    CHECK(child->wait(-1, clock::now() + 5ms) == child_process::wait_result::timeout);
  }
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("exit statuses are told in words") {
  CHECK(to_string(exit_status{3, 0}) == "exited with code 3");
  CHECK(to_string(exit_status{-1, 9}) == "was killed by signal 9 (SIGKILL)");
}
