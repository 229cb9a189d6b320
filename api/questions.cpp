#include "api/questions.hpp"

#include <utility>

namespace troupe::detail {

void awaited_answer::set(result<value> outcome) {
  std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
  changed_.notify_all();
}

std::optional<result<value>> awaited_answer::wait_for(std::chrono::nanoseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [this] { return outcome_.has_value(); });
  return std::exchange(outcome_, std::nullopt);
}

answer_ptr questions::add(std::uint64_t number) {
  auto wanted = std::make_shared<awaited_answer>();
  waiting_.emplace(number, wanted);
  return wanted;
}

answer_ptr questions::take(std::uint64_t number) {
  auto i = waiting_.find(number);
  if (i == waiting_.end()) return nullptr;
  auto wanted = std::move(i->second);
  waiting_.erase(i);
  return wanted;
}

}  // namespace troupe::detail
