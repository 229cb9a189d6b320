// From what a worker was told to what its executor needs; shared by worker processes and by workers
// that are threads of the head.
#pragma once

#include "actors/worker_options.hpp"
#include "libruntime/protocol/messages.hpp"
#include "worker/executor.hpp"

namespace troupe::actors {

worker::executor_settings executor_settings_of(const worker_options& o);

// The registration, as far as it follows from the options.
protocol::register_worker registration_of(const worker_options& o,
                                          const worker::executor_settings& e,
                                          const function_registry& functions);

// A number that no other start of a worker has; never 0.
std::uint64_t new_incarnation();

// Memory of this process, disk space at its scratch folder, load of the machine.
void measure(const std::string& scratch, protocol::heartbeat& h);

}  // namespace troupe::actors
