#include "libruntime/scheduler/ready_queues.hpp"

#include <algorithm>

namespace troupe::scheduler {

bool ready_queues::choice::before(const choice& other) const {
  if (priority != other.priority) return priority > other.priority;
  if (front != other.front) return front;
  if (pass != other.pass) return pass < other.pass;
  if (owner != other.owner) return owner < other.owner;
  return class_index < other.class_index;
}

ready_queues::level& ready_queues::level_of(std::uint32_t class_index, std::int32_t priority) {
  if (class_index >= classes_.size()) classes_.resize(class_index + 1);
  auto& levels = classes_[class_index];
  auto at = std::find_if(levels.begin(), levels.end(),
                         [&](const level& l) { return l.priority <= priority; });
  if (at != levels.end() && at->priority == priority) return *at;
  at = levels.insert(at, level{});
  at->priority = priority;
  at->served = &served_[priority];
  return *at;
}

void ready_queues::activate(std::uint32_t class_index) {
  auto& c = catalog_.klass(class_index);
  if (c.active_index != UINT32_MAX) return;
  c.active_index = static_cast<std::uint32_t>(active_.size());
  active_.push_back(class_index);
}

void ready_queues::count_down(task_class& c, std::uint64_t n) {
  c.ready -= n;
  if (c.ready != 0) return;
  c.blocked = false;
  catalog_.klass(active_.back()).active_index = c.active_index;
  std::swap(active_[c.active_index], active_.back());
  active_.pop_back();
  c.active_index = UINT32_MAX;
}

void ready_queues::add(job_record& owner, flow& f, std::uint32_t begin, std::uint32_t end,
                       time_point now) {
  auto& l = level_of(f.class_index, f.priority);
  if (f.count == 0) {
    f.tasks.clear();
    owner.pass = std::max(owner.pass, *l.served);  // being idle earns no credit
  }
  f.tasks.add(begin, end, now);
  f.count += end - begin;
  catalog_.klass(f.class_index).ready += end - begin;
  activate(f.class_index);
  if (f.queued) return;
  f.queued = true;
  auto number = owner.flow_by_class.at({f.class_index, f.priority});
  l.heap.push_back({owner.pass, owner.id, number});
  std::push_heap(l.heap.begin(), l.heap.end());
}

void ready_queues::add_front(job_record& owner, task_record& record, task_id id, time_point now) {
  auto& f = *owner.flows[owner.templates[record.spec].flow];
  auto& l = level_of(f.class_index, f.priority);
  record.set(task_flag::front);
  if (l.front_count == 0) l.front.clear();
  l.front.push_back({id, now});
  ++l.front_count;
  ++catalog_.klass(f.class_index).ready;
  activate(f.class_index);
}

void ready_queues::remove(job_record& owner, task_record& record) {
  auto& f = *owner.flows[owner.templates[record.spec].flow];
  if (record.has(task_flag::front)) {
    record.clear(task_flag::front);
    --level_of(f.class_index, f.priority).front_count;
  } else {
    --f.count;
  }
  count_down(catalog_.klass(f.class_index), 1);
}

// Brings the heap's order up to date at its top; false when nothing is left in it.
bool ready_queues::settle_top(level& l) {
  while (!l.heap.empty()) {
    auto top = l.heap.front();
    auto* owner = jobs_.find(top.owner);
    auto* f = owner ? owner->flows[top.flow_number].get() : nullptr;
    if (f && f->count > 0 && top.pass == owner->pass) return true;
    std::pop_heap(l.heap.begin(), l.heap.end());
    if (f && f->count > 0) {
      l.heap.back().pass = owner->pass;
      std::push_heap(l.heap.begin(), l.heap.end());
    } else {
      if (f) f->queued = false;
      l.heap.pop_back();
    }
  }
  return false;
}

std::optional<ready_queues::choice> ready_queues::next(std::uint32_t class_index) {
  auto& levels = classes_[class_index];
  while (!levels.empty()) {
    auto& l = levels.front();
    if (l.front_count > 0) return choice{class_index, l.priority, true, 0, {}, 0};
    if (settle_top(l)) {
      const auto& top = l.heap.front();
      return choice{class_index, l.priority, false, top.pass, top.owner, top.flow_number};
    }
    levels.erase(levels.begin());
  }
  return std::nullopt;
}

void ready_queues::take(const choice& c, std::uint64_t n, std::vector<task_handle>& out) {
  auto& l = classes_[c.class_index].front();
  auto before = out.size();
  if (c.front)
    take_front(l, n, out);
  else
    take_flow(l, c, n, out);
  count_down(catalog_.klass(c.class_index), out.size() - before);
}

void ready_queues::take_front(level& l, std::uint64_t n, std::vector<task_handle>& out) {
  while (n > 0 && l.front_count > 0) {
    auto [id, since] = l.front.front();
    l.front.pop_front();
    auto* owner = jobs_.find(id.job);
    if (!owner) continue;
    auto& record = owner->tasks[owner->offset_of(id.index)];
    if (record.state != task_state::ready || !record.has(task_flag::front)) continue;
    record.clear(task_flag::front);
    record.set(task_flag::taken);
    out.push_back({owner, &record, id, since});
    --l.front_count;
    --n;
  }
}

void ready_queues::take_flow(level& l, const choice& c, std::uint64_t n,
                             std::vector<task_handle>& out) {
  auto& owner = *jobs_.find(c.owner);
  auto& f = *owner.flows[c.flow_number];
  n = std::min(n, f.count);
  for (auto left = n; left > 0;) {
    auto [offset, since] = f.tasks.front();
    f.tasks.pop();
    auto& record = owner.tasks[offset];
    if (record.state != task_state::ready || record.has(task_flag::front) ||
        record.has(task_flag::suspect) || record.has(task_flag::taken))
      continue;
    record.set(task_flag::taken);  // an older entry of the same task may still come up
    out.push_back({&owner, &record, owner.id_of(offset), since});
    --left;
  }
  f.count -= n;
  *l.served = std::max(*l.served, owner.pass);
  owner.pass +=
      static_cast<double>(n) * to_seconds(catalog_.expected(catalog_.klass(f.class_index)));
  std::pop_heap(l.heap.begin(), l.heap.end());
  if (f.count == 0) {
    f.queued = false;
    l.heap.pop_back();
  } else {
    l.heap.back().pass = owner.pass;
    std::push_heap(l.heap.begin(), l.heap.end());
  }
}

std::optional<time_point> ready_queues::oldest(std::uint32_t class_index) const {
  constexpr std::size_t looked_at = 16;  // of each queue, so that a snapshot stays cheap
  std::optional<time_point> out;
  auto consider = [&](time_point t) { out = out ? std::min(*out, t) : t; };
  if (class_index >= classes_.size()) return out;
  for (const auto& l : classes_[class_index]) {
    for (std::size_t i = 0; i < l.front.size() && i < looked_at && l.front_count > 0; ++i)
      consider(l.front[i].since);
    for (std::size_t i = 0; i < l.heap.size() && i < looked_at; ++i) {
      const auto* owner = jobs_.find(l.heap[i].owner);
      if (!owner || owner->flows[l.heap[i].flow_number]->count == 0) continue;
      consider(owner->flows[l.heap[i].flow_number]->tasks.front().since);
    }
  }
  return out;
}

void ready_queues::reset(std::uint32_t class_index) {
  if (class_index < classes_.size()) classes_[class_index].clear();
}

}  // namespace troupe::scheduler
