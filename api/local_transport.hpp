// A client in the head's own process: an actor that passes the session's messages to the scheduler
// and back, with no sockets and no encoding.
#pragma once

#include <memory>

#include <caf/actor_system.hpp>

#include "actors/interfaces.hpp"
#include "api/client_session.hpp"

namespace troupe::detail {

// Fails with unavailable when the scheduler has ended or doesn't answer.
result<std::shared_ptr<client_session>> connect_in_process(caf::actor_system& system,
                                                           const actors::scheduler_actor& scheduler,
                                                           const std::string& address);

}  // namespace troupe::detail
