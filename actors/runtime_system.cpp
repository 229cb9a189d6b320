#include "actors/runtime_system.hpp"

#include <fcntl.h>
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
  for (int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&set, s);
  return set;
}

// Somebody wants it to outlive its terminal: nohup.
bool ignores_hangups() {
  struct sigaction action {};
  return ::sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

bool has_terminal() {
  const int fd = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

// The signal that ends the head.
int wait_for_end(const sigset_t& signals, head& h) {
  const bool had_terminal = !ignores_hangups() && has_terminal();
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP || (had_terminal && !has_terminal())) return signal;
    h.reload();
  }
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

  const int signal = wait_for_end(signals, h);
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
      if (s == SIGHUP) continue;  // neither a new configuration nor a lost terminal hurries it
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
