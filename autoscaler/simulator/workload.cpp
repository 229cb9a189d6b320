#include "autoscaler/simulator/workload.hpp"

#include <algorithm>
#include <utility>

namespace troupe::simulator {

namespace {

constexpr std::size_t stream_length = 4096;  // tasks of one job of the stream

}  // namespace

workload::workload(std::unique_ptr<load> what) : load_(std::move(what)) {
  for (const auto& k : load_->kinds()) {
    resources_.push_back(k.resources);
    if (resources_.back().get("cpus") == 0) resources_.back().set("cpus", one_unit);
  }
  upcoming_ = load_->next();
}

scheduler::event workload::hello() const {
  return scheduler::client_joined{client, 1, "simulation", true};
}

std::optional<duration> workload::next_at() const {
  if (!upcoming_) return {};
  return upcoming_->at;
}

// ---- submitting -------------------------------------------------------------------------------

void workload::submit(time_point now, std::vector<scheduler::event>& out) {
  const auto s = std::move(*upcoming_);
  upcoming_ = load_->next();
  if (s.tasks.empty()) return;
  last_progress_ = now;
  const bool graph = std::any_of(s.tasks.begin(), s.tasks.end(),
                                 [](const auto& t) { return !t.after.empty(); });
  if (!graph) return stream(s, now, out);
  auto& j = open(out, true);
  add(j, s, now, out);
  out.push_back(scheduler::from_client{client, protocol::close_job{j.key}});
}

// A kind that no pool can ever run is refused with its whole job, so each has a job of its own.
void workload::stream(const submission& s, time_point now, events& out) {
  for (std::size_t begin = 0, end = 0; begin < s.tasks.size(); begin = end) {
    while (end < s.tasks.size() && s.tasks[end].kind == s.tasks[begin].kind) ++end;
    submission part;
    part.tasks.assign(s.tasks.begin() + static_cast<std::ptrdiff_t>(begin),
                      s.tasks.begin() + static_cast<std::ptrdiff_t>(end));
    auto& key = streams_[s.tasks[begin].kind];
    if (key == 0) key = open(out, false).key;
    auto& j = jobs_.at(key);
    add(j, part, now, out);
    if (j.tasks.size() >= stream_length) full_.push_back(s.tasks[begin].kind);
  }
}

workload::job& workload::open(events& out, bool hold) {
  protocol::open_job m;
  m.key = ++last_key_;
  m.lifetime = protocol::lifetime::detached;
  m.hold = hold;
  m.independent = !hold;
  out.push_back(scheduler::from_client{client, std::move(m)});
  auto& j = jobs_[last_key_];
  j.key = last_key_;
  return j;
}

void workload::add(job& j, const submission& s, time_point now, events& out) {
  const auto first = j.tasks.size();
  for (const auto& p : s.tasks) {
    task t;
    t.kind = p.kind;
    t.run_time = std::max<duration>(p.run_time, std::chrono::microseconds{1});
    t.missing = static_cast<std::uint32_t>(p.after.size());
    longest_task_ = std::max(longest_task_, t.run_time);
    t.ready_at = now;
    t.state = t.missing > 0 ? phase::blocked : phase::waiting;
    ++count(t.state);
    ++counts_.submitted;
    for (auto before : p.after)
      j.dependents[static_cast<std::uint32_t>(first + before)].push_back(
          static_cast<std::uint32_t>(j.tasks.size()));
    j.tasks.push_back(t);
  }
  for (std::size_t begin = 0, end = 0; begin < s.tasks.size(); begin = end) {
    while (end < s.tasks.size() && s.tasks[end].kind == s.tasks[begin].kind) ++end;
    send(j, s, begin, end, out);
  }
}

// Tasks of one kind, in one message.
void workload::send(job& j, const submission& s, std::size_t begin, std::size_t end, events& out) {
  protocol::add_tasks m;
  const auto first = j.tasks.size() - s.tasks.size();
  m.template_number = template_of(j, s.tasks[begin].kind, out);
  m.key = j.key;
  m.position = static_cast<std::uint32_t>(first + begin);
  m.count = static_cast<std::uint32_t>(end - begin);
  const bool plain = std::all_of(s.tasks.begin() + static_cast<std::ptrdiff_t>(begin),
                                 s.tasks.begin() + static_cast<std::ptrdiff_t>(end),
                                 [](const auto& t) { return t.after.empty(); });
  if (!plain)
    for (auto i = begin; i < end; ++i) {
      auto& t = m.tasks.emplace_back();
      for (auto before : s.tasks[i].after)
        t.after.push_back({{}, j.key, static_cast<task_index>(first + before)});
    }
  out.push_back(scheduler::from_client{client, std::move(m)});
}

std::uint32_t workload::template_of(job& j, std::uint32_t kind, events& out) {
  auto known = std::find(j.templates.begin(), j.templates.end(), kind);
  const auto number = static_cast<std::uint32_t>(known - j.templates.begin());
  if (known != j.templates.end()) return number;
  j.templates.push_back(kind);
  const auto& k = load_->kinds()[kind];
  protocol::define_template m;
  m.key = j.key;
  m.number = number;
  // A command, because every worker can run one: functions would have to be known.
  m.spec.kind = task_kind::exec;
  m.spec.command.argv = {k.function};
  m.spec.options.resources = k.resources;
  m.spec.options.pool = k.pool;
  m.spec.options.priority = k.priority;
  m.spec.options.expected = k.expected;
  out.push_back(scheduler::from_client{client, std::move(m)});
  return number;
}

// A stream ends when its job has become long, and all of them with the load. Not when it is added
// to: until the scheduler has seen the tasks, it may refuse the job.
void workload::tidy(std::vector<scheduler::event>& out) {
  auto close = [&](std::uint64_t key) {
    out.push_back(scheduler::from_client{client, protocol::close_job{key}});
  };
  if (!upcoming_) {
    for (const auto& [kind, key] : streams_) close(key);
    streams_.clear();
  }
  for (auto kind : full_) {
    auto at = streams_.find(kind);
    if (at == streams_.end() || jobs_.at(at->second).tasks.size() < stream_length) continue;
    close(at->second);
    streams_.erase(at);
  }
  full_.clear();
}

// ---- what becomes of them -----------------------------------------------------------------------

void workload::take(const scheduler::to_client& message, time_point now) {
  if (auto* opened = std::get_if<protocol::job_opened>(&message.message)) {
    keys_[opened->job.value] = opened->key;
  } else if (auto* results = std::get_if<protocol::results>(&message.message)) {
    auto j = jobs_.find(results->key);
    if (j == jobs_.end()) return;  // refused as a whole: its tasks have been counted
    for (const auto& r : results->items) ended(j->second, r.index, r.outcome, now);
  } else if (auto* refused = std::get_if<protocol::job_refused>(&message.message)) {
    auto at = jobs_.find(refused->key);
    if (at == jobs_.end()) return;
    if (why_refused_.empty()) why_refused_ = refused->why.message;
    for (auto& t : at->second.tasks) {
      if (t.state == phase::ended) continue;
      become(t, phase::ended);
      ++counts_.refused;
    }
    std::erase_if(streams_, [&](const auto& s) { return s.second == refused->key; });
    jobs_.erase(at);
  } else if (auto* finished = std::get_if<protocol::job_finished>(&message.message)) {
    jobs_.erase(finished->key);
    keys_.erase(finished->job.value);
  }
}

void workload::ended(job& j, std::uint32_t index, protocol::outcome how, time_point now) {
  auto& t = j.tasks.at(index);
  if (t.state == phase::ended) return;
  become(t, phase::ended);
  last_end_ = last_progress_ = now;
  if (how == protocol::outcome::succeeded) {
    ++counts_.finished;
    work_done_ += to_seconds(t.run_time) * static_cast<double>(resources_[t.kind].get("cpus")) /
                  one_unit;
  } else {
    ++counts_.failed;
  }
  auto next = j.dependents.find(index);
  if (next == j.dependents.end()) return;
  for (auto d : next->second) {
    auto& after = j.tasks[d];
    if (--after.missing > 0 || after.state != phase::blocked) continue;
    if (how != protocol::outcome::succeeded) continue;  // it fails with it
    after.ready_at = now;
    become(after, phase::waiting);
  }
}

std::uint64_t& workload::count(phase p) {
  switch (p) {
    case phase::blocked:
      return counts_.blocked;
    case phase::waiting:
      return counts_.waiting;
    case phase::running:
      return counts_.running;
    case phase::ended:
      break;
  }
  return ended_;
}

void workload::become(task& t, phase p) {
  --count(t.state);
  t.state = p;
  ++count(p);
}

// ---- for workers --------------------------------------------------------------------------------

const work_kind& workload::kind_of(task_id id) const {
  return load_->kinds()[at(id).kind];
}

const resource_set& workload::resources_of(task_id id) const {
  return resources_[at(id).kind];
}

duration workload::run_time_of(task_id id) const {
  return at(id).run_time;
}

void workload::started(task_id id, time_point now) {
  auto& t = at(id);
  if (t.state == phase::ended) return;
  become(t, phase::running);
  if (std::exchange(t.has_started, true)) return;
  last_progress_ = now;
  waits_.add(now - t.ready_at);
  if (on_first_start) on_first_start(now - t.ready_at);
}

void workload::interrupted(task_id id) {
  if (auto& t = at(id); t.state == phase::running) become(t, phase::waiting);
}

}  // namespace troupe::simulator
