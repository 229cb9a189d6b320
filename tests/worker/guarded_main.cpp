// A guarded worker for tests: runs each argument, a shell script, in an executor, and waits to be
// ended. Writes "WORKER_PID" to the file named first when all of them run.
//   worker_test_guarded FILE SCRIPT...
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "worker/executor.hpp"
#include "worker/guardian.hpp"

using namespace troupe;
using namespace troupe::worker;

namespace {

int run_worker(int argc, char** argv) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, nullptr);
  std::filesystem::path ready = argv[1];
  executor_settings s;
  s.core.slots = static_cast<std::uint32_t>(argc);
  s.core.cancel_grace = std::chrono::milliseconds{100};
  s.tasks.log_dir = ready.parent_path() / "logs";
  s.tasks.scratch = ready.parent_path() / "scratch";
  s.tasks.guardian = guardian_pid();
  executor e{s, std::make_shared<function_registry>(), {[] {}}};
  for (int i = 2; i < argc; ++i) {
    task_spec spec;
    spec.kind = task_kind::exec;
    spec.command.argv = {"/bin/sh", argv[i]};
    auto n = static_cast<std::uint32_t>(i);
    e.define({template_id{n}, spec});
    e.assign({{{task_id{job_id{1}, n}, 1, template_id{n}, {}, {}, false}}});
  }
  std::ofstream{ready.string() + ".part"} << getpid();
  std::filesystem::rename(ready.string() + ".part", ready);
  int signal = 0;
  sigwait(&term, &signal);
  e.stop(clock::now() + std::chrono::seconds{10});
  return 5;
}

}  // namespace

int main(int argc, char** argv) {
  return run_guarded([&] { return run_worker(argc, argv); });
}
