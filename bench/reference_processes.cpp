#include <cstdlib>
#include <stdexcept>
#include <string>

#include "bench/clock.hpp"
#include "bench/references.hpp"

namespace troupe::bench {

double xargs_per_s(std::uint32_t processes) {
  auto command = "seq " + std::to_string(processes) + " | xargs -P2 -n1 /bin/true";
  stopwatch watch;
  if (std::system(command.c_str()) != 0) throw std::runtime_error("xargs doesn't work here");
  return processes / watch.seconds();
}

}  // namespace troupe::bench
