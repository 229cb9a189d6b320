// One end of a link in messages: the protocol session (encoding, big values, order) on top of the
// link (frames). Feeds the link only as much as it takes, so that bulk never sits in its queue.
//
// Owned by one thread or actor at a time, which also calls receive() with the frames that the link's
// handlers brought it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "libruntime/protocol/messages.hpp"
#include "libruntime/protocol/session.hpp"
#include "net/link.hpp"

namespace troupe::actors {

class link_endpoint {
 public:
  // Large values that arrive go to the store; without one they stay in memory.
  explicit link_endpoint(std::shared_ptr<net::link> link,
                         std::shared_ptr<protocol::blob_store> store = {})
      : link_(std::move(link)), store_(std::move(store)), session_({}, store_.get()) {}

  // Queues a message; flush() sends. A peer that has left too much unread loses its link.
  void push(protocol::message m);
  // Gives the link what it has room for. Call it after push(), receive() and when it has drained.
  void flush();
  // Appends what the frame completes. On failure the link must be closed with it.
  result<void> receive(std::span<const std::byte> frame, std::vector<protocol::message>& out) {
    return session_.receive(frame, out);
  }
  // The peer takes no more for now: more may leave when it has granted some (a frame), or when its
  // link has drained.
  bool full() const;
  // Everything is with the link, whose close() lets it leave.
  bool handed_over() const { return !session_.wants_to_write(); }
  net::link& link() { return *link_; }
  const std::shared_ptr<net::link>& shared_link() const { return link_; }

 private:
  std::shared_ptr<net::link> link_;
  std::shared_ptr<protocol::blob_store> store_;
  protocol::session session_;
};

}  // namespace troupe::actors
