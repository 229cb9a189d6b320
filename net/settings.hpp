// Limits and deadlines of everything that has a socket. A peer controls none of them; one that
// reaches a limit loses its connection and costs nobody else anything.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libruntime/time.hpp"

namespace troupe::net {

// A frame of a link is never larger, in either direction. Part of the protocol, so not a setting.
inline constexpr std::size_t max_frame_bytes = std::size_t{1} << 20;

struct net_settings {
  // ---- links
  // From the first byte of a connection to link::established() or to the head of a first request.
  duration handshake_deadline = std::chrono::seconds{5};
  // Nothing at all came from the peer for this long, not even the answer to a ping; 0: no limit.
  duration idle_deadline = std::chrono::seconds{30};
  // Nothing was sent for this long: send a WebSocket ping; 0: never.
  duration ping_interval = std::chrono::seconds{10};
  // One frame, or the next part of an HTTP response, has to leave this host within it.
  duration write_deadline = std::chrono::seconds{10};
  // After close(): for what is queued to leave and for the peer to say goodbye.
  duration close_deadline = std::chrono::seconds{2};
  // Messages that wait for the socket are joined to frames of up to this size.
  std::size_t coalesce_bytes = std::size_t{256} << 10;
  // More bytes waiting for one peer than this and its link is closed.
  std::size_t max_queued_bytes = std::size_t{64} << 20;
  // After there was more, fewer than this many bytes waiting are reported by on_drained.
  std::size_t low_water_bytes = std::size_t{128} << 10;

  // ---- listeners
  // Of one listener, links included; never more than three quarters of the process's descriptors.
  std::size_t max_connections = 8192;
  // Connections of one address that have not said yet what they want; the oldest one has to go.
  std::size_t max_handshakes_per_address = 256;
  // Accepted in one second; what comes faster waits in the kernel's queue.
  std::uint32_t accepts_per_second = 1000;
  duration accept_pause = std::chrono::milliseconds{100};  // after running out of descriptors

  // ---- HTTP
  std::uint32_t http_max_header_bytes = std::uint32_t{16} << 10;
  std::uint64_t http_max_body_bytes = std::uint64_t{8} << 20;
  duration http_read_deadline = std::chrono::seconds{30};     // one whole request
  duration http_idle_deadline = std::chrono::seconds{60};     // between two requests
  duration http_answer_deadline = std::chrono::seconds{120};  // for the handler; then 503
};

}  // namespace troupe::net
