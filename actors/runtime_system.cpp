#include "actors/runtime_system.hpp"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace troupe::actors {
namespace {

// Signals and shutdown requests in one queue: the kernel's, for this process.
sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&set, s);
  return set;
}

}  // namespace

result<int> run_head(run_head_options options) {
  auto signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread exists
  ::signal(SIGPIPE, SIG_IGN);

  auto asked_drain = std::make_shared<std::atomic<bool>>(true);
  options.setup.on_shutdown = [asked_drain](bool drain) {
    *asked_drain = drain;
    ::kill(::getpid(), SIGUSR1);
  };
  system_config config;
  caf::actor_system system{config};
  auto started = head::start(system, std::move(options.setup));
  if (!started) return tl::unexpected(started.error());
  auto& h = **started;
  if (options.on_ready) options.on_ready(h);

  int signal = 0;
  sigwait(&signals, &signal);
  bool drain = signal == SIGUSR1 ? asked_drain->load() : true;
  if (options.on_stopping)
    options.on_stopping(signal == SIGUSR1 ? "asked to" : ::strsignal(signal), drain);

  // A second signal, or a `shutdown` without drain, stops now.
  std::atomic<bool> over = false;
  std::atomic<bool> now = !drain;
  std::thread second([&] {
    timespec step{0, 100'000'000};
    while (!over && !now) {
      int s = sigtimedwait(&signals, nullptr, &step);
      if (s > 0 && (s != SIGUSR1 || !asked_drain->load())) {
        now = true;
        h.stop_now();
      }
    }
  });
  bool clean = h.stop(!now, options.drain_patience);
  over = true;
  second.join();
  started->reset();
  return clean ? 0 : 1;
}

}  // namespace troupe::actors
