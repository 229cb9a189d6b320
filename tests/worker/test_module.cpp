// A module for tests; what it does when loaded is chosen at compile time.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

#include "libruntime/function_registry.hpp"

#ifndef NO_ENTRY
extern "C" void troupe_register(troupe::function_registry& functions) {
#if defined(CRASHES)
  ::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would have a page to say about it
  ::raise(SIGSEGV);
#elif defined(HANGS)
  for (;;) ::pause();
#elif defined(THROWS)
  throw std::runtime_error{"licence expired"};
#endif
  std::printf("a module that talks\n");
  std::fflush(stdout);
  functions.add("module.twice", [](int x) { return 2 * x; });
  functions.add("module.getpid", [] { return static_cast<int>(::getpid()); });
}
#endif
