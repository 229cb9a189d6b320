// The functions that the scenarios call. A process of the `troupe` program has them only where the
// environment asks for them, so that no user's cluster shows them.
#pragma once

#include "libruntime/function_registry.hpp"
#include "troupe/client.hpp"

namespace troupe::bench {

inline constexpr const char* functions_variable = "TROUPE_BENCH_FUNCTIONS";

void add_functions(function_registry& functions);

// So many calls of bench.noop, by map.
futures<int> noops(const client& c, std::uint32_t n);

}  // namespace troupe::bench
