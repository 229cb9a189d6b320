#include "libruntime/protocol/session.hpp"

#include <utility>

#include "libruntime/protocol/incoming.hpp"
#include "libruntime/protocol/outgoing.hpp"

namespace troupe::protocol {

// In one allocation that never moves: the halves refer to the settings and to each other.
struct session::state {
  state(session_settings s, blob_store* store)
      : settings(std::move(s)), out(settings), in(settings, out, store) {}

  const session_settings settings;
  outgoing out;
  incoming in;
};

session::session(session_settings settings, blob_store* store)
    : state_(std::make_unique<state>(std::move(settings), store)) {}
session::~session() = default;
session::session(session&&) noexcept = default;
session& session::operator=(session&&) noexcept = default;

result<void> session::send(message m) { return state_->out.send(std::move(m)); }
bool session::wants_to_write() const { return state_->out.pending(); }
void session::next_frames(std::string& out, std::size_t budget) {
  state_->out.produce(out, budget);
}
result<void> session::receive(std::span<const std::byte> frame, std::vector<message>& out) {
  return state_->in.receive(frame, out);
}
std::size_t session::queued_bytes() const { return state_->out.queued_bytes(); }
std::uint64_t session::queued_blob_bytes() const { return state_->out.queued_blob_bytes(); }

}  // namespace troupe::protocol
