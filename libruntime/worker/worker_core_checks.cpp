// check_invariants, for tests.
#include <stdexcept>

#include "libruntime/worker/worker_core.hpp"

namespace troupe::worker {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error{std::string{"worker_core: "} + what};
}

}  // namespace

void worker_core::check_invariants() const {
  check_lists();
  check_amounts();
  check_outbox();
}

void worker_core::check_lists() const {
  std::size_t in_lanes = 0, queued = 0, running = 0, held = 0;
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    std::uint32_t previous = none;
    for (auto r = lanes_[i].first; r != none; previous = r, r = records_[r].next, ++in_lanes) {
      require(records_[r].state == record_state::queued, "a lane holds a task that isn't queued");
      require(records_[r].lane == i, "a queued task is in another lane than it says");
      require(records_[r].previous == previous, "a lane's list is broken");
      require(previous == none || records_[previous].arrival < records_[r].arrival,
              "a lane is not in order of arrival");
    }
    require(lanes_[i].last == previous, "a lane's end is wrong");
  }
  for (std::uint32_t r = 0; r < records_.size(); ++r) {
    const auto& entry = records_[r];
    if (entry.state == record_state::free) continue;
    ++held;
    queued += entry.state == record_state::queued;
    running += entry.state == record_state::running;
    require(by_task_.find(entry.task) == r, "a task is not found by its id");
  }
  require(in_lanes == queued && queued == queued_count_, "queued tasks are miscounted");
  require(running == running_count_, "running tasks are miscounted");
  require(held + free_records_.size() == records_.size(), "records are lost");
}

void worker_core::check_amounts() const {
  auto sum = free_;
  std::size_t running = 0;
  bool exclusive = false;
  for (const auto& e : executions_) {
    if (e.record == none) continue;
    ++running;
    const auto& entry = records_[e.record];
    require(entry.state == record_state::running, "an execution of a task that isn't running");
    exclusive = exclusive || entry.exclusive;
    for (auto [n, a] : entry.what->needs.amounts) sum[n] += a;
  }
  require(running == running_count_, "executions are miscounted");
  require(sum == total_, "resources have leaked");
  require(exclusive == exclusive_runs_ && (!exclusive || running == 1),
          "an exclusive task is not alone");
  for (std::size_t n = 0; n < free_.size(); ++n) {
    require(free_[n] >= 0, "a resource is overdrawn");
    require(!pools_[n] || pools_[n]->free() == free_[n], "indexes and amounts differ");
  }
}

void worker_core::check_outbox() const {
  require(handed_out_ <= outbox_.size(), "more batches handed out than there are");
  std::size_t reported = 0;
  for (std::size_t i = 0; i < outbox_.size(); ++i) {
    require(outbox_[i]->number + outbox_.size() == next_number_ + i, "batch numbers have gaps");
    require(!outbox_[i]->items.empty(), "an empty batch");
    for (const auto& item : outbox_[i]->items)
      reported += by_task_.find(item.task) == finished_entry(item.attempt);
  }
  require(by_task_.size() == queued_count_ + running_count_ + reported,
          "the map has entries of no record and in no batch");
  auto told = held();
  require(told.size() == by_task_.size(), "what is held is told twice or not at all");
  for (const auto& t : told)
    require(known_attempt(by_task_.find(t.task)) == t.attempt, "an older attempt is told as held");
}

}  // namespace troupe::worker
