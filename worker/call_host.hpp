// The process of isolated calls (see isolated_call.hpp): serves one call after another on the socket
// at descriptor 3 until that closes. The worker's program starts it by a hidden sub-command, after it
// has registered its functions and loaded its modules.
#pragma once

#include "libruntime/function_registry.hpp"

namespace troupe::worker {

// Returns the program's exit code, when the worker closes the socket.
int run_call_host(const function_registry& functions, int socket = 3);

}  // namespace troupe::worker
