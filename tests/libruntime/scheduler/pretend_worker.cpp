#include "tests/libruntime/scheduler/pretend_worker.hpp"

#include <stdexcept>

namespace troupe::scheduler::testing {

protocol::register_worker pretend_worker::registration() const {
  auto info = info_;
  for (const auto& [id, t] : tasks_) info.held.push_back({id, t.attempt, t.running});
  for (const auto& batch : unacknowledged_)
    for (const auto& t : batch.items) info.held.push_back({t.task, t.attempt, false});
  return info;
}

void pretend_worker::connect() {
  connected = true;
  for (const auto& batch : unacknowledged_) outbox.emplace_back(batch);
}

void pretend_worker::disconnect() {
  connected = false;
  inbox.clear();
  outbox.clear();
}

void pretend_worker::receive() {
  auto m = std::move(inbox.front());
  inbox.pop_front();
  std::visit([this](const auto& x) { take(x); }, m);
}

void pretend_worker::take(const protocol::assign& m) {
  for (const auto& a : m.items) {
    const auto& options = templates_.at(a.spec).options;
    auto cpus = options.resources.get("cpus");
    if (a.exclusive && !tasks_.empty()) throw std::logic_error("an exclusive task has neighbours");
    tasks_[a.task] = {a.attempt, false, a.exclusive, options.priority, cpus == 0 ? one_unit : cpus,
                      next_order_++};
  }
}

void pretend_worker::take(const protocol::recall& m) {
  protocol::recalled answer;
  for (const auto& item : m.items) {
    auto i = tasks_.find(item.task);
    bool idle = i != tasks_.end() && i->second.attempt == item.attempt && !i->second.running;
    (idle ? answer.items : answer.kept).push_back(item);
    if (idle) tasks_.erase(i);
  }
  outbox.emplace_back(std::move(answer));
}

void pretend_worker::take(const protocol::cancel_attempts& m) {
  for (const auto& item : m.items) {
    auto i = tasks_.find(item.task);
    if (i == tasks_.end() || i->second.attempt != item.attempt) continue;
    report(item.task, protocol::outcome::cancelled);
  }
}

void pretend_worker::take(const protocol::ack& m) {
  while (!unacknowledged_.empty() && unacknowledged_.front().number <= m.number)
    unacknowledged_.pop_front();
}

void pretend_worker::run(std::mt19937_64& random) {
  amount free = info_.resources.get("cpus");
  for (const auto& [id, t] : tasks_)
    if (t.running) free -= t.cpus;
  protocol::started report;
  for (;;) {
    std::pair<const task_id, task>* best = nullptr;
    for (auto& entry : tasks_) {
      const auto& t = entry.second;
      if (t.running || t.cpus > free) continue;
      if (!best || t.priority > best->second.priority ||
          (t.priority == best->second.priority && t.order < best->second.order))
        best = &entry;
    }
    if (!best) break;
    best->second.running = true;
    free -= best->second.cpus;
    if (random() % 3 == 0) report.items.push_back({best->first, best->second.attempt});
  }
  if (connected && !report.items.empty()) outbox.emplace_back(std::move(report));
}

void pretend_worker::end_one(std::mt19937_64& random, double failing) {
  std::vector<task_id> running;
  for (const auto& [id, t] : tasks_)
    if (t.running) running.push_back(id);
  if (running.empty()) return;
  auto id = running[random() % running.size()];
  bool fails = static_cast<double>(random() % 1000) < failing * 1000;
  if (fails)
    report(id, protocol::outcome::failed, failure{errc::task_error, "boom", "error"});
  else
    report(id, protocol::outcome::succeeded);
}

void pretend_worker::report(task_id t, protocol::outcome outcome, std::optional<failure> error) {
  auto i = tasks_.find(t);
  protocol::finished batch{next_number_++, {}};
  auto result = outcome == protocol::outcome::succeeded
                    ? value::of(std::string(t.index % 5 == 0 ? 3000 : 8, 'x'))
                    : value{};
  batch.items.push_back({t, i->second.attempt, outcome, std::chrono::milliseconds{1 + t.index % 50},
                         std::move(result),
                         error ? boxed<failure>{std::move(*error)} : boxed<failure>{}});
  tasks_.erase(i);
  unacknowledged_.push_back(batch);
  if (connected) outbox.emplace_back(std::move(batch));
}

}  // namespace troupe::scheduler::testing
