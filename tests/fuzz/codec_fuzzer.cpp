// libFuzzer's entry; see targets.hpp.
#include <cstdint>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  troupe::fuzz::codec(std::as_bytes(std::span{data, size}));
  return 0;
}
