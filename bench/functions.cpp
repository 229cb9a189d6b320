#include "bench/functions.hpp"

#include <chrono>
#include <thread>
#include <tuple>
#include <vector>

namespace troupe::bench {

void add_functions(function_registry& functions) {
  functions.add("bench.noop", [] { return 0; });
  functions.add("bench.sleep_us", [](int us) {
    std::this_thread::sleep_for(std::chrono::microseconds{us});
    return us;
  });
  // A task of a graph: takes results, lasts as long as it is told (0: no time).
  functions.add("bench.task", [](const std::vector<int>& inputs, int us) {
    if (us > 0) std::this_thread::sleep_for(std::chrono::microseconds{us});
    return static_cast<int>(inputs.size());
  });
}

futures<int> noops(const client& c, std::uint32_t n) {
  return c.map<int>("bench.noop", std::vector<std::tuple<>>(n));
}

}  // namespace troupe::bench
