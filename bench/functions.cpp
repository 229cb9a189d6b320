#include "bench/functions.hpp"

#include <chrono>
#include <thread>

namespace troupe::bench {

void add_functions(function_registry& functions) {
  functions.add("bench.noop", [] { return 0; });
  functions.add("bench.sleep_us", [](int us) {
    std::this_thread::sleep_for(std::chrono::microseconds{us});
    return us;
  });
}

}  // namespace troupe::bench
