// The services of the real program: the C++ API, heads and workers.
#pragma once

#include "cli/services.hpp"
#include "libruntime/function_registry.hpp"

namespace troupe::cli {

// `functions` must outlive the result.
services connect_to_world(const function_registry& functions);

}  // namespace troupe::cli
