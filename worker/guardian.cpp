#include "worker/guardian.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <system_error>
#include <thread>

#include "libruntime/time.hpp"
#include "worker/memory_group.hpp"
#include "worker/process_tree.hpp"
#include "worker/spawn.hpp"
#include "worker/unique_fd.hpp"

namespace troupe::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto cleanup_time = 2s;
constexpr std::array forwarded{SIGTERM, SIGINT, SIGHUP, SIGQUIT};
constexpr const char* mark_name = "TROUPE_GUARDIAN";

pid_t guardian_of_this = 0;  // set once, before any other thread could read it

sigset_t signals_of_guardian() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : forwarded) sigaddset(&set, s);
  sigaddset(&set, SIGCHLD);
  return set;
}

// Everything that has ended is reaped; whether the worker was among it, and how it ended.
bool reap_all(pid_t worker, int& status) {
  bool ended = false;
  for (;;) {
    int s = 0;
    pid_t pid = waitpid(-1, &s, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) return ended;
    if (pid == worker) {
      status = s;
      ended = true;
    }
  }
}

// Kills generation after generation: the children of what dies become ours.
bool end_everything_below() {
  auto deadline = clock::now() + cleanup_time;
  for (;;) {
    for (auto pid : descendants_of(getpid())) ::kill(pid, SIGKILL);
    pid_t reaped;
    while ((reaped = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (reaped < 0 && errno == ECHILD) return true;
    if (clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
}

int guard(pid_t worker, const sigset_t& signals) {
  prctl(PR_SET_NAME, "troupe-guardian");
  int status = 0;
  for (bool ended = false; !ended;) {
    siginfo_t info{};
    int s = sigwaitinfo(&signals, &info);
    if (s == SIGCHLD) ended = reap_all(worker, status);
    else if (s > 0) ::kill(worker, s);
  }
  if (!end_everything_below())
    std::fprintf(stderr, "troupe: processes of the worker's tasks could not be killed within 2 s\n");
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  auto how = to_string(exit_status{-1, WTERMSIG(status)});
  std::fprintf(stderr, "troupe: the worker %s\n", how.c_str());
  return 128 + WTERMSIG(status);
}

// A thread that waits for the guardian's end (that of the pipe, to which nothing is ever written), then
// kills all that carries the guardian's mark in its environment, and this process.
void watch_guardian(unique_fd pipe_end, const std::string& mark) {
  std::thread{[pipe_end = std::move(pipe_end), mark] {
    prctl(PR_SET_NAME, "troupe-watch");
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    pollfd end{pipe_end.get(), POLLIN, 0};
    while (poll(&end, 1, -1) <= 0) {
    }
    // Orphans come to us from now on; those the guardian had went to init, and are found by the mark.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    auto deadline = clock::now() + cleanup_time;
    for (bool any = true; any && clock::now() < deadline;) {
      any = false;
      auto found = processes_with({mark});
      auto below = descendants_of(getpid());
      found.insert(found.end(), below.begin(), below.end());
      for (auto pid : found) {
        if (pid == getpid() || !has_environment(pid, {})) continue;  // ourselves, or a zombie
        any = true;
        kill_tree(pid);
      }
      std::this_thread::sleep_for(1ms);
    }
    std::fprintf(stderr, "troupe: the worker's guardian is gone; the worker ends\n");
    ::kill(getpid(), SIGKILL);
  }}.detach();
}

[[noreturn]] void be_worker(const std::function<int()>& worker_main, pid_t guardian,
                            unique_fd pipe_end, const std::string& mark,
                            const sigset_t& before) {
  setpgid(0, 0);
  // Only until the watching thread is up: a death without a word would orphan our tasks.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != guardian) _exit(1);
  watch_guardian(std::move(pipe_end), mark);
  prctl(PR_SET_PDEATHSIG, 0);
  guardian_of_this = guardian;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  int code = 1;
  try {
    code = worker_main();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "troupe: the worker failed: %s\n", e.what());
  }
  std::fflush(nullptr);
  std::exit(code);
}

}  // namespace

pid_t guardian_pid() { return guardian_of_this; }

int run_guarded(const std::function<int()>& worker_main) {
  prepare_memory_groups();
  auto guardian = getpid();
  // Unique over the machine's life: pids are used again.
  auto serial = std::to_string(guardian) + "-" +
                std::to_string(clock::now().time_since_epoch().count());
  setenv(mark_name, serial.c_str(), 1);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    throw std::system_error{errno, std::generic_category(), "cannot become a subreaper"};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw std::system_error{errno, std::generic_category(), "cannot make a pipe"};
  unique_fd worker_end{ends[0]}, guardian_end{ends[1]};
  signal(SIGCHLD, SIG_DFL);  // were it ignored, no status would reach us
  auto signals = signals_of_guardian();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  std::fflush(nullptr);
  pid_t worker = fork();
  if (worker < 0) throw std::system_error{errno, std::generic_category(), "cannot fork"};
  if (worker == 0) {
    guardian_end.reset();
    be_worker(worker_main, guardian, std::move(worker_end), std::string{mark_name} + "=" + serial,
              before);
  }
  worker_end.reset();
  return guard(worker, signals);
}

}  // namespace troupe::worker
