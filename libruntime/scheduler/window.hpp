// The parts of a worker's window: the tasks presumed to run, and lanes of those given ahead, each
// lane of one class and priority, in the order of assignment. A record knows its position, so that
// removal is O(1) wherever it stands.
#pragma once

#include <cstdint>
#include <vector>

#include "libruntime/ids.hpp"
#include "libruntime/time.hpp"

namespace troupe::scheduler {

struct filled_entry {
  task_id task;
  std::uint32_t class_index = 0;
  std::uint32_t order = 0;  // of assignment on this worker
  time_point since{};       // when it was first presumed to run
};

// A queue with holes: entries are addressed by a running number.
class task_ring {
 public:
  struct entry {
    task_id task;  // job 0: a hole
    std::uint32_t order = 0;
  };

  bool empty() const { return head_ == tail_; }  // holes are never at either end
  std::uint32_t begin() const { return head_; }
  std::uint32_t end() const { return tail_; }
  const entry& operator[](std::uint32_t i) const { return slots_[i & mask()]; }
  const entry& front() const { return (*this)[head_]; }

  std::uint32_t push(task_id task, std::uint32_t order) {
    if (tail_ - head_ == slots_.size()) grow();
    slots_[tail_ & mask()] = {task, order};
    return tail_++;
  }
  void erase(std::uint32_t i) {
    slots_[i & mask()].task = {};
    while (head_ != tail_ && !slots_[head_ & mask()].task.job) ++head_;
    while (head_ != tail_ && !slots_[(tail_ - 1) & mask()].task.job) --tail_;
  }

 private:
  std::uint32_t mask() const { return static_cast<std::uint32_t>(slots_.size()) - 1; }
  void grow() {
    std::vector<entry> larger(slots_.empty() ? 4 : slots_.size() * 2);
    auto wider = static_cast<std::uint32_t>(larger.size()) - 1;
    for (auto i = head_; i != tail_; ++i) larger[i & wider] = slots_[i & mask()];
    slots_ = std::move(larger);
  }

  std::vector<entry> slots_;  // size 0 or a power of two
  std::uint32_t head_ = 0, tail_ = 0;
};

struct lane {
  std::uint32_t class_index = 0;
  std::int32_t priority = 0;
  std::uint32_t live = 0;
  std::uint32_t pinned = 0;  // of those, asked back or known to run: not to be asked back (again)
  task_ring tasks;
};

}  // namespace troupe::scheduler
