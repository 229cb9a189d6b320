// Who a peer is. Stands alone so that net/, which checks certificates, needs no messages.
#pragma once

#include <cstdint>

namespace troupe::protocol {

enum class role : std::uint8_t { head = 1, worker = 2, client = 3 };

}  // namespace troupe::protocol
