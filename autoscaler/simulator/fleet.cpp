#include "autoscaler/simulator/fleet.hpp"

#include <algorithm>

namespace troupe::simulator {

void fleet::join(worker_id id, std::size_t pool, const resource_set& resources) {
  auto& w = workers_[id];
  w.pool = pool;
  w.free = resources;
}

void fleet::kill(worker_id id) {
  auto at = workers_.find(id);
  if (at == workers_.end()) return;
  tally(at->second, -1);
  for (const auto& [task, a] : at->second.running) {
    work_.interrupted(task);
    busy_amount_ -= work_.resources_of(task).get("cpus");
  }
  workers_.erase(at);
}

void fleet::set_draining(worker_id id, bool on) {
  auto at = workers_.find(id);
  if (at == workers_.end()) return;
  tally(at->second, -1);
  at->second.draining = on;
  tally(at->second, 1);
}

// ---- from the scheduler -----------------------------------------------------------------------

void fleet::take(const scheduler::to_worker& message, time_point now,
                 std::vector<scheduler::event>& out) {
  auto at = workers_.find(message.worker);
  if (at == workers_.end()) return;
  auto& w = at->second;
  if (auto* m = std::get_if<protocol::assign>(&message.message)) {
    for (const auto& i : m->items) w.queue.push_back({i.task, i.attempt, i.exclusive});
    start(message.worker, w, now);
  } else if (auto* r = std::get_if<protocol::recall>(&message.message)) {
    recall(message.worker, w, *r, out);
  } else if (auto* c = std::get_if<protocol::cancel_attempts>(&message.message)) {
    cancel(message.worker, w, *c, now, out);
  }
}

void fleet::recall(worker_id id, worker& w, const protocol::recall& m,
                   std::vector<scheduler::event>& out) {
  protocol::recalled answer;
  for (const auto& item : m.items) {
    auto at = std::find_if(w.queue.begin(), w.queue.end(), [&](const assigned& a) {
      return a.task == item.task && a.attempt == item.attempt;
    });
    if (at == w.queue.end()) {
      answer.kept.push_back(item);
    } else {
      w.queue.erase(at);
      answer.items.push_back(item);
    }
  }
  out.push_back(scheduler::from_worker{id, std::move(answer)});
}

void fleet::cancel(worker_id id, worker& w, const protocol::cancel_attempts& m, time_point now,
                   std::vector<scheduler::event>& out) {
  for (const auto& item : m.items) {
    assigned a{item.task, item.attempt, false};
    std::erase_if(w.queue, [&](const assigned& q) { return q.task == a.task; });
    if (auto at = w.running.find(item.task); at != w.running.end()) {
      work_.interrupted(item.task);
      stop(w, at->second);
    }
    report(id, w, a, protocol::outcome::cancelled, out);
  }
  start(id, w, now);
}

void fleet::report(worker_id id, worker& w, const assigned& a, protocol::outcome how,
                   std::vector<scheduler::event>& out) const {
  protocol::finished m{++w.reports, {}};
  m.items.push_back({a.task, a.attempt, how, work_.run_time_of(a.task), {}, {}});
  out.push_back(scheduler::from_worker{id, std::move(m)});
}

// ---- running ----------------------------------------------------------------------------------

bool fleet::can_start(const worker& w, const assigned& a) const {
  if (a.exclusive) return w.running.empty();
  return w.free.contains(work_.resources_of(a.task));
}

void fleet::start(worker_id id, worker& w, time_point now) {
  tally(w, -1);
  for (auto at = w.queue.begin(); at != w.queue.end() && !w.alone && w.free.get("cpus") > 0;) {
    if (!can_start(w, *at)) {
      ++at;
      continue;
    }
    const auto a = *at;
    at = w.queue.erase(at);
    const auto& resources = work_.resources_of(a.task);
    w.free.subtract(resources);
    w.alone = a.exclusive;
    w.running[a.task] = a;
    busy_amount_ += resources.get("cpus");
    work_.started(a.task, now);
    ends_.push({now + work_.run_time_of(a.task), next_order_++, id, a.task, a.attempt});
  }
  tally(w, 1);
}

void fleet::stop(worker& w, const assigned& what) {
  const auto a = what;  // it may be the entry that goes
  tally(w, -1);
  const auto& resources = work_.resources_of(a.task);
  w.free.add(resources);
  busy_amount_ -= resources.get("cpus");
  if (a.exclusive) w.alone = false;
  w.running.erase(a.task);
  tally(w, 1);
}

// Ends of tasks whose worker has died or that were cancelled.
void fleet::drop_stale_ends() {
  while (!ends_.empty()) {
    const auto& e = ends_.top();
    auto at = workers_.find(e.worker);
    if (at != workers_.end()) {
      auto r = at->second.running.find(e.task);
      if (r != at->second.running.end() && r->second.attempt == e.attempt) return;
    }
    ends_.pop();
  }
}

std::optional<time_point> fleet::next_end() const {
  if (ends_.empty()) return {};
  return ends_.top().when;
}

std::optional<fleet::ended_task> fleet::end_next(time_point now,
                                                 std::vector<scheduler::event>& out) {
  drop_stale_ends();
  if (ends_.empty() || ends_.top().when > now) return {};
  const auto e = ends_.top();
  ends_.pop();
  auto& w = workers_.at(e.worker);
  const auto a = w.running.at(e.task);
  const ended_task ended{work_.kind_of(e.task).function, work_.run_time_of(e.task)};
  stop(w, a);
  report(e.worker, w, a, protocol::outcome::succeeded, out);
  start(e.worker, w, now);
  return ended;
}

// Keeps the numbers of busy workers: called with -1 before a worker changes and with 1 after.
void fleet::tally(const worker& w, int sign) {
  if (w.running.empty()) return;
  const auto one = static_cast<std::uint32_t>(sign);  // wraps, and back
  busy_workers_ += one;
  if (w.draining) return;
  if (busy_.size() <= w.pool) busy_.resize(w.pool + 1);
  busy_[w.pool] += one;
}

}  // namespace troupe::simulator
