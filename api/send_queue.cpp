#include "api/send_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "api/submission.hpp"

namespace troupe::detail {

void send_queue::push(protocol::message m) {
  tasks_ += task_count(m);
  ordered_.push_back(std::move(m));
}

void send_queue::push_task(std::uint64_t key, task_index position, protocol::new_task task) {
  auto* last = ordered_.empty() ? nullptr : std::get_if<protocol::add_tasks>(&ordered_.back());
  auto size = about_bytes(task);
  if (!last || last->key != key || last->tasks.size() >= add_limit ||
      last_bytes_ + size > add_bytes_limit) {
    last_bytes_ = 0;
    ordered_.push_back(protocol::add_tasks{key, 0, position, 0, {}});
    last = &std::get<protocol::add_tasks>(ordered_.back());
  }
  last->tasks.push_back(std::move(task));
  last_bytes_ += size;
  ++tasks_;
}

void send_queue::push_release(job_id job, protocol::index_range tasks) {
  auto* last =
      ordered_.empty() ? nullptr : std::get_if<protocol::release_results>(&ordered_.back());
  if (last && last->job == job && last->tasks.back().end == tasks.begin)
    last->tasks.back().end = tasks.end;
  else if (last && last->job == job && last->tasks.size() < add_limit)
    last->tasks.push_back(tasks);
  else
    push(protocol::release_results{job, {tasks}});
}

void send_queue::take_tasks(std::vector<protocol::message>& out) {
  auto& add = std::get<protocol::add_tasks>(ordered_.front());
  auto n = task_count(ordered_.front());
  if (n <= credit_) {
    out.push_back(std::move(ordered_.front()));
    ordered_.pop_front();
  } else {  // as much as the head has room for
    protocol::add_tasks part{add.key, add.template_number, add.position, 0, {}};
    n = static_cast<std::size_t>(credit_);
    if (add.tasks.empty()) {
      part.count = static_cast<std::uint32_t>(n);
      add.count -= part.count;
    } else {
      auto cut = add.tasks.begin() + static_cast<std::ptrdiff_t>(n);
      part.tasks.assign(std::make_move_iterator(add.tasks.begin()), std::make_move_iterator(cut));
      add.tasks.erase(add.tasks.begin(), cut);
    }
    add.position += static_cast<std::uint32_t>(n);
    out.push_back(std::move(part));
  }
  credit_ -= n;
  tasks_ -= n;
  sent_.push_back({out.back(), sent_tasks_, n});
  sent_tasks_ += n;
}

void send_queue::take(std::vector<protocol::message>& out, std::size_t budget) {
  for (; !urgent_.empty(); urgent_.pop_front()) out.push_back(std::move(urgent_.front()));
  std::size_t taken = 0;
  while (!ordered_.empty() && taken < budget) {
    if (auto n = task_count(ordered_.front()); n > 0) {
      if (credit_ == 0) break;
      taken += std::min<std::size_t>(n, credit_);
      take_tasks(out);
      continue;
    }
    ++taken;
    out.push_back(std::move(ordered_.front()));
    ordered_.pop_front();
    sent_.push_back({out.back(), sent_tasks_, 0});
  }
}

void send_queue::credited(const protocol::submit_credit& m) {
  credit_ += m.tasks;
  received_tasks_ = std::max(received_tasks_, std::min(m.received, sent_tasks_));
  // A message without tasks has certainly arrived once tasks sent after it have.
  while (!sent_.empty()) {
    const auto& s = sent_.front();
    bool arrived = s.tasks > 0 ? s.tasks_before + s.tasks <= received_tasks_
                               : s.tasks_before < received_tasks_;
    if (!arrived) break;
    sent_.pop_front();
  }
}

void send_queue::forget_sent(std::uint64_t key) {
  std::erase_if(sent_, [key](const sent_message& s) {
    return std::visit(
        [key](const auto& m) {
          if constexpr (requires { m.key; }) return m.key == key;
          return false;
        },
        s.message);
  });
}

void send_queue::reconnected() {
  credit_ = sent_tasks_ = received_tasks_ = 0;
  for (; !sent_.empty(); sent_.pop_back()) {
    tasks_ += sent_.back().tasks;
    ordered_.push_front(std::move(sent_.back().message));
  }
}

void send_queue::forget_ordered() {
  ordered_.clear();
  tasks_ = 0;
}

bool send_queue::holds_request(std::uint64_t number) const {
  return std::any_of(urgent_.begin(), urgent_.end(), [&](const protocol::message& m) {
    const auto* r = std::get_if<protocol::request>(&m);
    return r && r->number == number;
  });
}

}  // namespace troupe::detail
