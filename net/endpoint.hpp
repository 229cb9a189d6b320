// "host:port" as people write it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libruntime/failure.hpp"

namespace troupe::net {

struct endpoint {
  std::string host;  // a name or an address; IPv6 without brackets
  std::uint16_t port = 0;

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

// "127.0.0.1:7400", "head.example:7400", "[::1]:7400". Port 0 is allowed: "pick one".
result<endpoint> parse_endpoint(std::string_view text);
std::string to_string(const endpoint& e);

// True for addresses that never leave this host (127.0.0.0/8, ::1) and for "localhost".
bool is_loopback(std::string_view host);

}  // namespace troupe::net
