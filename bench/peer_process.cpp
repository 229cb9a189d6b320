#include "bench/peer_process.hpp"

#include <signal.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <cstring>

namespace troupe::bench {

std::optional<int> peer_process_main(int argc, char** argv) {
  if (!std::getenv(peer_variable)) return std::nullopt;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing is left of a measurement that was killed
  auto is = [&](const char* name, int parameters) {
    return argc == parameters + 2 && std::strcmp(argv[1], name) == 0;
  };
  auto number = [](const char* text) {
    return static_cast<unsigned>(std::strtoul(text, nullptr, 10));
  };
  if (is("relay", 2)) return run_relay(argv[2], number(argv[3]));
  if (is("worker", 2))
    return run_relay_worker(argv[2], static_cast<unsigned short>(number(argv[3])));
  if (is("caf", 0)) return run_caf_echo();
  return 2;
}

}  // namespace troupe::bench
