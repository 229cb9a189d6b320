#include "tests/fuzz/targets.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "libruntime/protocol/codec.hpp"
#include "libruntime/protocol/session.hpp"
#include "libruntime/task_spec.hpp"

namespace troupe::fuzz {
namespace {

using namespace protocol;

void require(bool promise, const char* what) {
  if (promise) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

std::string encoded(const message& m) {
  std::string out;
  encode(m, out);
  return out;
}

// Anything that decodes can be encoded, and comes back the same.
void as_frame(std::span<const std::byte> bytes) {
  std::vector<message> messages, again;
  (void)decode(bytes, messages);
  for (const auto& m : messages) {
    auto once = encoded(m);
    again.clear();
    frame_limits limits;
    limits.bytes = once.size();
    require(decode(wire::as_bytes(once), again, limits).has_value() && again.size() == 1,
            "what was decoded can be encoded and decoded");
    require(encoded(again.front()) == once, "encoding is stable");
  }
}

// Anything that is accepted as a value can be unpacked by msgpack-cxx.
void as_value(std::span<const std::byte> bytes) {
  auto v = value::checked(bytes);
  if (!v) return;
  require(v->data().size() == bytes.size(), "a checked value is all of the bytes");
  try {
    auto unpacked = msgpack::unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  } catch (const msgpack::unpack_error&) {
    require(false, "a checked value can be unpacked");
  }
  (void)decode_exec_result(*v);
  if (auto spliced = splice_inputs(*v, {*v, {}}))
    require(wire::check_object(spliced->data()).has_value() || spliced->size() > bytes.size(),
            "splicing keeps well-formed arguments well-formed");
}

session_settings small_settings() {
  session_settings s;
  s.batch = 4096;
  s.chunk = 1024;
  s.inline_value = 100;
  s.window = 2048;
  s.max_blob = 1 << 20;
  s.max_message = 1 << 20;
  s.max_incoming_bytes = 4 << 20;
  s.max_incoming_blobs = 100;
  s.store_threshold = 4096;
  s.max_incoming_memory = 1 << 16;
  return s;
}

// Carries one frame; whether there was one.
bool carry(protocol::session& from, protocol::session& to, std::vector<message>& out) {
  std::string frame;
  from.next_frames(frame, 4096);
  if (frame.empty()) return false;
  require(to.receive(wire::as_bytes(frame), out).has_value(), "a session takes what another sends");
  return true;
}

void among_honest(std::vector<message> messages) {
  // No limit of the receiver may be nearer than the sender's.
  auto settings = small_settings();
  settings.max_incoming_bytes = std::uint64_t{1} << 40;
  settings.max_incoming_blobs = 1 << 20;
  protocol::session left{settings}, right{settings};
  std::vector<message> out, back;
  for (auto& m : messages) {
    (void)left.send(std::move(m));
    carry(left, right, out);
  }
  bool more = true;
  while (more) {
    more = carry(left, right, out);
    more = carry(right, left, back) || more;
  }
  require(!left.wants_to_write() && !right.wants_to_write(), "sessions come to an end");
  require(left.queued_bytes() == 0 && left.queued_blob_bytes() == 0, "nothing is left over");
}

}  // namespace

void codec(std::span<const std::byte> bytes) {
  as_frame(bytes);
  as_value(bytes);
}

void session(std::span<const std::byte> bytes) {
  protocol::session peer{small_settings()};
  std::vector<message> messages;
  std::string replies;
  while (bytes.size() >= 2) {
    auto size = std::to_integer<std::size_t>(bytes[0]) << 8 | std::to_integer<std::size_t>(bytes[1]);
    bytes = bytes.subspan(2);
    auto frame = bytes.first(std::min(size, bytes.size()));
    bytes = bytes.subspan(frame.size());
    if (!peer.receive(frame, messages)) break;
    replies.clear();
    peer.next_frames(replies, 4096);
  }
  among_honest(std::move(messages));
}

}  // namespace troupe::fuzz
