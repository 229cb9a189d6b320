// Limits of one session. Both ends of a link use the same ones; a peer that goes beyond them loses
// its link.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libruntime/protocol/codec.hpp"

namespace troupe::protocol {

// How much of a blob may be sent before the receiver has granted anything. Part of the protocol.
inline constexpr std::uint64_t initial_window = std::uint64_t{4} << 20;

struct session_settings {
  frame_limits frame;
  std::size_t batch = std::size_t{256} << 10;        // messages are joined up to this many bytes
  std::size_t chunk = std::size_t{256} << 10;        // of a blob, in one message
  std::size_t inline_value = std::size_t{64} << 10;  // larger values travel as blobs
  std::uint64_t window = std::uint64_t{8} << 20;     // granted ahead of what has arrived
  std::uint64_t max_blob = std::uint64_t{16} << 30;
  std::size_t max_message = std::size_t{64} << 20;   // of one that is itself sent as a blob
  std::size_t max_message_items = 1'048'576;         // list elements in such a message
  // Blobs that came, whole or in part, before the message that names them.
  std::uint64_t max_incoming_bytes = std::uint64_t{256} << 30;
  std::size_t max_incoming_blobs = 65'536;
  std::size_t max_open_blobs = 8;
  std::size_t max_open_messages = 3;  // of those, long messages: one for each lane
  // Blobs at least this large go to the blob_store; so does everything once that much waits in
  // memory.
  std::uint64_t store_threshold = std::uint64_t{8} << 20;
  std::uint64_t max_incoming_memory = std::uint64_t{64} << 20;
  std::size_t max_queued = std::size_t{256} << 20;  // bytes encoded and not taken yet; blobs apart
  std::size_t max_unanswered_pings = 64;
};

// Messages that only sessions see; their numbers are apart from those of `message`.
namespace session_message {
inline constexpr std::uint32_t blob_open = 100;   // blob, size, kind
inline constexpr std::uint32_t blob_data = 101;   // blob, bytes
inline constexpr std::uint32_t blob_grant = 102;  // blob, total bytes that may have been sent
}  // namespace session_message

enum class blob_kind : std::uint8_t {
  value,    // named by a later message
  message,  // a message too long for a frame; it counts as arrived when its last byte has
};

}  // namespace troupe::protocol
