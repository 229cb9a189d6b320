#include "actors/link_endpoint.hpp"

namespace troupe::actors {
namespace {

// Enough to keep the socket busy until the link says that it has drained (so: above its low-water
// mark); a peer that reads nothing holds about this much of our memory.
constexpr std::size_t link_queue_target = std::size_t{256} << 10;
// Of large values, which are only referred to while they wait for the peer's grants.
constexpr std::size_t blob_queue_target = std::size_t{16} << 20;

}  // namespace

bool link_endpoint::full() const {
  return session_.queued_bytes() + link_->queued_bytes() >= link_queue_target ||
         session_.queued_blob_bytes() >= blob_queue_target;
}

void link_endpoint::push(protocol::message m) {
  if (auto ok = session_.send(std::move(m)); !ok) link_->close(ok.error());
}

void link_endpoint::flush() {
  while (session_.wants_to_write() && link_->queued_bytes() < link_queue_target) {
    std::string bytes;
    session_.next_frames(bytes, link_queue_target);
    if (bytes.empty()) return;  // waits for the receiver's grant
    // A refusal means that the link is closed or closing; its on_closed tells the owner.
    if (!link_->send(std::move(bytes))) return;
  }
}

}  // namespace troupe::actors
