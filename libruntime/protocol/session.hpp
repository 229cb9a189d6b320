// What one end of a link keeps above its frames: messages in, bytes out, and back. Big values and
// long messages ("blobs") go in chunks with a window of their own, so that they hold up little and
// fill nobody's memory; see docs/protocol.md. Pure; owned by one thread or actor at a time; a link
// that is gone takes its session with it, and nothing in it is assumed to have arrived.
//
// Order. A message arrives after all blobs it names, and whole or not at all. Each kind of message
// goes in one of three lanes; within a lane the order of send() holds:
//   urgent   all that isn't listed below: the start of a link, registration, heartbeats, acks,
//            credits, requests and responses without big values, cancel of a whole job …
//   ordered  from a client: open_job … close_job, release_results, and cancel of single tasks
//            from a worker: finished
//            to a worker:   worker_template, assign, recall, cancel_attempts
//            to a client:   results, job_finished
//   bulk     items of assign and results that have big values, each in a message of its own, and
//            requests and responses with big values
// Urgent messages overtake the others. A message of the ordered lane waits for its own blobs, and
// those behind it wait too: what a client submits stays in order, and so do a worker's numbered
// batches. A bulk message leaves when its blobs have, behind all ordered ones that were sent before
// it, but ordered ones sent after it may overtake it. Three may not: recall and cancel_attempts of a
// task whose assign waits in the bulk lane, and job_finished of a job with results there, follow
// them. `goodbye` is always the last.
// What follows for receivers: a cancelled job's add_tasks may come after its cancel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libruntime/failure.hpp"
#include "libruntime/protocol/blob_store.hpp"
#include "libruntime/protocol/messages.hpp"
#include "libruntime/protocol/session_settings.hpp"

namespace troupe::protocol {

class session {
 public:
  // The store, if any, outlives the session; without one, big values arrive in memory.
  explicit session(session_settings settings = {}, blob_store* store = nullptr);
  ~session();
  session(session&&) noexcept;
  session& operator=(session&&) noexcept;

  // Queues a message, cut into several where it is too long for one (see split.hpp). Failures, with
  // nothing of it queued: too_large; overloaded when the peer has left too much unread, in which
  // case the link should be closed.
  result<void> send(message m);
  // Whether anything is left to be sent, be it that it waits for the peer's grant.
  bool wants_to_write() const;
  // Appends whole messages back to back: about `budget` bytes, never more than fit a frame; nothing
  // if all that is left waits for the peer.
  void next_frames(std::string& out, std::size_t budget);

  // Takes a frame and appends the messages that are complete with it, in order. Pings are answered
  // and not given out. After a failure (protocol, too_large, overloaded, or the store's) the link
  // must be closed with it; messages already appended are good.
  result<void> receive(std::span<const std::byte> frame, std::vector<message>& out);

  std::size_t queued_bytes() const;         // encoded and not taken yet
  std::uint64_t queued_blob_bytes() const;  // of values held for sending

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace troupe::protocol
