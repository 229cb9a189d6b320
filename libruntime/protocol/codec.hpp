// Messages to bytes and back: MessagePack, several messages back to back in a frame, as
// docs/protocol.md describes. Pure functions; nothing a peer sends makes them throw or allocate more
// than a fixed multiple of what it sent. All templates over messages are instantiated in codec.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libruntime/protocol/messages.hpp"
#include "libruntime/protocol/wire.hpp"

namespace troupe::protocol {

// What one frame may hold. Both ends keep to the same ones.
struct frame_limits {
  std::size_t bytes = std::size_t{1} << 20;
  // Messages and elements of their lists, together: each may take a hundred times its bytes in
  // memory. A frame joined from small ones, at most 256 KiB, can never reach it.
  std::size_t items = 262'144;
};

// A set of resources is far smaller in earnest; it is kept sorted, so a huge one would cost its
// square.
inline constexpr std::size_t max_resources = 256;

// In place of a value that travels on its own: an extension object of this type whose body is the
// blob's number. See session.hpp.
inline constexpr std::int8_t blob_extension = 2;

// Values that the encoder leaves out of a message, to be sent before it.
struct blob_sink {
  std::size_t threshold = std::size_t{64} << 10;  // bytes; larger values are left out
  std::uint32_t next = 1;                         // number of the next blob
  std::vector<std::pair<std::uint32_t, value>> values;
};

// Where the decoder finds values that came before the message.
class blob_source {
 public:
  virtual ~blob_source() = default;
  // Each can be had once.
  virtual std::optional<value> take(std::uint32_t number) = 0;
};

// Appends one message. Returns what it counts against frame_limits::items.
std::size_t encode(const message& m, std::string& out, blob_sink* blobs = nullptr);

// Appends the messages of a frame. On failure (protocol, too_large), `out` keeps those before the
// bad one.
result<void> decode(std::span<const std::byte> frame, std::vector<message>& out,
                    const frame_limits& limits = {}, blob_source* blobs = nullptr);

// One message at a time, for those with messages of their own between (see session.cpp).
struct message_header {
  std::uint32_t number = 0;
  std::uint32_t fields = 0;
};
bool read_header(wire::reader& in, message_header& header);
// The fields that follow the header; appends one message.
result<void> read_message(wire::reader& in, message_header header, std::vector<message>& out,
                          blob_source* blobs);
// "message 24 (finished), byte 17: expected an integer"
failure describe_problem(const wire::reader& in, std::uint32_t number);

inline constexpr std::size_t message_count = std::variant_size_v<message>;
std::string_view message_name(std::size_t number);  // "finished"; "" if there is none

}  // namespace troupe::protocol
