// What a client has to say to its head, in order: not sent yet, or sent and perhaps not received,
// to be said again on the next link. Tasks leave only as far as the head's credit goes.
//
// Plain data without locks: its owner's lock guards it.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "libruntime/protocol/messages.hpp"

namespace troupe::detail {

class send_queue {
 public:
  void push(protocol::message m);
  // Overtakes the others and needs no credit: questions, and cancels of whole jobs.
  void push_urgent(protocol::message m) { urgent_.push_back(std::move(m)); }
  // A task of template 0, in one message with those before it where that may be.
  void push_task(std::uint64_t key, task_index position, protocol::new_task task);
  void push_release(job_id job, protocol::index_range tasks);

  // Appends what may be sent now, about `budget` tasks of it.
  void take(std::vector<protocol::message>& out, std::size_t budget);
  // More may be sent; and what has been received need not be sent again.
  void credited(const protocol::submit_credit& m);
  // Of a job that is over nothing need be said again: the head may have forgotten it.
  void forget_sent(std::uint64_t key);
  // On a new link all that may not have been received is sent again, and credit begins anew.
  void reconnected();
  // Nobody is there who would understand the rest: it is for another head.
  void forget_ordered();

  bool empty() const { return ordered_.empty() && urgent_.empty(); }
  bool ordered_empty() const { return ordered_.empty(); }
  std::size_t tasks() const { return tasks_; }  // not sent yet
  bool holds_request(std::uint64_t number) const;

 private:
  struct sent_message {
    protocol::message message;
    std::uint64_t tasks_before = 0;  // sent on this link before it
    std::uint64_t tasks = 0;
  };
  void take_tasks(std::vector<protocol::message>& out);

  std::deque<protocol::message> urgent_;
  std::deque<protocol::message> ordered_;
  std::size_t tasks_ = 0;
  std::size_t last_bytes_ = 0;  // about, of the last message that push_task() began
  std::deque<sent_message> sent_;  // until they are known to have been received
  std::uint64_t credit_ = 0;
  std::uint64_t sent_tasks_ = 0, received_tasks_ = 0;  // on this link; by the head
};

}  // namespace troupe::detail
