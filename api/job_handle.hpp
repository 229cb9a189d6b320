// A job as its client sees it: an id once the head has given one, and a slot for each task, which
// is filled once. Referred to by holders (futures) and, weakly, by the session.
//
// Guarded by its own mutex, which is taken after the session's; callbacks run without locks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libruntime/protocol/messages.hpp"

namespace troupe::detail {

// One task's place in its job.
struct result_slot {
  enum class state : std::uint8_t { pending, succeeded, failed } at = state::pending;
  bool awaited = false;  // somebody sleeps until it isn't pending
  value result;
  std::unique_ptr<failure> error;
};

using task_callback = std::function<void(const result<value>&)>;
// Callbacks with what they are to be told.
using due_callbacks = std::vector<std::pair<task_callback, result<value>>>;
void run(due_callbacks& due);

class job_handle {
 public:
  job_handle(std::uint64_t k, std::uint64_t r) : key(k), restarts(r) {}

  const std::uint64_t key;
  const std::uint64_t restarts;  // of the head, that the session had seen when it opened the job

  mutable std::mutex mutex;
  std::condition_variable changed;  // an id, the end of an awaited task or of the last one
  job_id id;                       // 0 until the head has answered
  std::optional<failure> refused;  // the head wants nothing of it
  task_index first_index = 0;
  std::deque<result_slot> slots;  // by position
  std::size_t ended = 0, failed = 0;
  std::unordered_map<task_index, std::vector<task_callback>> callbacks;

  // Waits for the id; the failure if the job is refused or the head is gone for good.
  result<job_id> wait_id();
  // Waits until all tasks of [begin, end) are over.
  void wait(std::size_t begin, std::size_t end);

  // ---- under `mutex`
  // Waits until the task is over; false if the time passed first.
  bool wait_until(std::unique_lock<std::mutex>& lock, std::size_t position,
                  std::chrono::steady_clock::time_point deadline);
  void wait(std::unique_lock<std::mutex>& lock, std::size_t position);
  // Fills a slot that is not filled yet; what is due then is moved to `due`. Whether somebody waits for it.
  bool settle(std::size_t position, result<value>&& outcome, due_callbacks& due);
  // One more task; it has failed already if the job is refused.
  void add_slot();

  // ---- without
  // Nothing of it runs: every task that has not ended has failed with this.
  void refuse(const failure& why, due_callbacks& due);
  void take(job_id id, std::vector<protocol::task_result>& results, due_callbacks& due);
  // It has an id now.
  void opened(job_id id);
};

}  // namespace troupe::detail
