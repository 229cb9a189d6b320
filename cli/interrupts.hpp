// Ctrl-C while a command waits: counted instead of ending the process, so that the command can cancel
// its job first. SIGTERM counts the same.
#pragma once

#include <csignal>

namespace troupe::cli {

// While an object lives the signals are counted; there is at most one at a time.
class interrupts {
 public:
  interrupts();
  ~interrupts();
  interrupts(const interrupts&) = delete;
  interrupts& operator=(const interrupts&) = delete;

  static unsigned count();

 private:
  struct sigaction old_int_{}, old_term_{};
};

}  // namespace troupe::cli
