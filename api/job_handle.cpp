#include "api/job_handle.hpp"

namespace troupe::detail {

void run(due_callbacks& due) {
  for (auto& [f, outcome] : due) f(outcome);
}

result<job_id> job_handle::wait_id() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return id || refused; });
  if (refused) return tl::unexpected(*refused);
  return id;
}

// From the last one on: tasks mostly end in their order, so that few others are still to be waited for.
void job_handle::wait(std::size_t begin, std::size_t end) {
  std::unique_lock lock(mutex);
  for (auto i = end; i-- > begin;) wait(lock, i);
}

void job_handle::wait(std::unique_lock<std::mutex>& lock, std::size_t position) {
  auto& slot = slots[position];
  while (slot.at == result_slot::state::pending) {
    slot.awaited = true;
    changed.wait(lock);
  }
}

bool job_handle::wait_until(std::unique_lock<std::mutex>& lock, std::size_t position,
                            std::chrono::steady_clock::time_point deadline) {
  auto& slot = slots[position];
  slot.awaited = true;
  return changed.wait_until(lock, deadline,
                            [&] { return slot.at != result_slot::state::pending; });
}

bool job_handle::settle(std::size_t position, result<value>&& outcome, due_callbacks& due) {
  auto& slot = slots[position];
  if (slot.at != result_slot::state::pending) return false;  // told twice after a reconnect
  if (auto i = callbacks.empty() ? callbacks.end() : callbacks.find(static_cast<task_index>(position));
      i != callbacks.end()) {
    for (auto& f : i->second) due.emplace_back(std::move(f), outcome);
    callbacks.erase(i);
  }
  ++ended;
  if (outcome) {
    slot.at = result_slot::state::succeeded;
    slot.result = std::move(*outcome);
  } else {
    slot.at = result_slot::state::failed;
    slot.error = std::make_unique<failure>(std::move(outcome.error()));
    ++failed;
  }
  return slot.awaited;
}

void job_handle::add_slot() {
  auto& slot = slots.emplace_back();
  if (!refused) return;
  slot.at = result_slot::state::failed;
  slot.error = std::make_unique<failure>(*refused);
  ++ended;
  ++failed;
}

void job_handle::refuse(const failure& why, due_callbacks& due) {
  std::lock_guard lock(mutex);
  if (!refused) refused = why;  // what is said of the rest of a refused job says less
  for (std::size_t i = 0; i < slots.size(); ++i) settle(i, tl::unexpected(*refused), due);
  changed.notify_all();
}

void job_handle::take(job_id new_id, std::vector<protocol::task_result>& results,
                      due_callbacks& due) {
  std::lock_guard lock(mutex);
  bool tell = !id;
  id = new_id;
  for (auto& item : results) {
    std::size_t position = item.index - first_index;
    if (position >= slots.size()) continue;  // not one of ours: nothing to do with it
    if (item.outcome == protocol::outcome::succeeded)
      tell |= settle(position, std::move(item.result), due);
    else
      tell |= settle(position,
                     tl::unexpected(item.error.value_or(failure{errc::cancelled, "cancelled", {}})), due);
  }
  if (tell || ended == slots.size()) changed.notify_all();
}

void job_handle::opened(job_id new_id) {
  std::lock_guard lock(mutex);
  id = new_id;
  changed.notify_all();
}

}  // namespace troupe::detail
