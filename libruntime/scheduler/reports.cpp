// What workers report. Each report names an attempt; one that isn't (or is no longer) this worker's
// is counted as stale and changes nothing.
#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

// Longer than a heartbeat's interval, so that two of them agree.
constexpr duration stalled_after = std::chrono::seconds{2};

// Acknowledgements ride with what else there is to say to a worker: a message of their own would cost
// as much as an assignment. Without one they wait for the heartbeat, unless the worker keeps this much.
constexpr std::uint64_t most_unacked = 8;  // batches
constexpr std::uint64_t most_unacked_bytes = std::uint64_t{256} << 10;

}  // namespace

void core::state::on(const from_worker& e) {
  auto* w = workers.find(e.worker);
  if (!w || !w->connected) {
    ++stats.stale;
    return;
  }
  heard_from(*w);
  std::visit([&](const auto& m) { take(*w, m); }, e.message);
}

task_handle core::state::held_by(const worker& w, task_id id, attempt_number attempt) {
  auto h = find(id);
  if (h.record) {
    const auto& r = *h.record;
    bool held = r.state == task_state::assigned || r.state == task_state::running;
    if (held && r.worker == w.id && r.attempt == attempt) return h;
  }
  ++stats.stale;
  return {};
}

void core::state::mark_running(worker& w, const task_handle& t) {
  auto& r = *t.record;
  if (r.has(task_flag::known_running)) return;
  r.set(task_flag::known_running);
  set_state(*t.owner, r, task_state::running);
  if (!r.has(task_flag::filled)) {
    auto& c = class_of(*t.owner, r);
    --c.ahead;
    ++c.running;
    ++w.known_ahead;
    if (!r.has(task_flag::recalling)) {
      const auto& tmpl = t.owner->templates[r.spec];
      ++w.lane_for(tmpl.class_index, t.owner->flows[tmpl.flow]->priority).pinned;
      workers.add_pinned(w, 1);
    }
  }
  r.clear(task_flag::recalling);
  if (!quiet(*t.owner))
    tell(protocol::event_kind::task_started, t.id.job, t.id.index, w.id, {}, "on " + w.name);
}

void core::state::take(worker& w, const protocol::started& m) {
  for (const auto& item : m.items)
    if (auto h = held_by(w, item.task, item.attempt); h.record) mark_running(w, h);
  touch(w);
}

void core::state::take(worker& w, const protocol::finished& m) {
  // Sent again after a reconnect: only the acknowledgement was lost.
  bool known = m.number != 0 && m.number <= w.last_number;
  if (known) {
    ++stats.stale;
  } else {
    w.last_number = std::max(w.last_number, m.number);
    for (const auto& t : m.items) {
      w.unacked_bytes += t.result.size();
      take_finished(w, t);
    }
  }
  if (m.number == 0) return;
  ++w.unacked;
  if (known || w.unacked >= most_unacked || w.unacked_bytes >= most_unacked_bytes) speak(w);
}

void core::state::take_finished(worker& w, const protocol::finished_task& t) {
  auto h = held_by(w, t.task, t.attempt);
  if (!h.record) return;
  auto& j = *h.owner;
  auto& r = *h.record;
  bool cancelling = r.has(task_flag::cancelling);
  unassign(w, j, r);
  r.run_seconds = static_cast<float>(to_seconds(t.run_time));
  auto reason = [&] { return error_of_cancel(j, r); };
  switch (t.outcome) {
    case protocol::outcome::succeeded:
      r.clear(task_flag::suspect);
      kinds.measure(class_of(j, r), t.run_time);
      return finish_task(j, r, t.task, t.result);
    case protocol::outcome::failed: {
      if (cancelling) return cancel_task(j, r, t.task, reason());
      r.clear(task_flag::suspect);
      auto error = t.error.value_or(failure{errc::task_error, "it failed without saying why", {}});
      if (retry(j, r, t.task, error)) return;
      return fail_task(j, r, t.task, std::make_shared<const failure>(std::move(error)));
    }
    case protocol::outcome::cancelled:
      if (cancelling) return cancel_task(j, r, t.task, reason());
      // The worker was told to stop and ended it: nobody's fault, it goes elsewhere.
      return give_back(j, r, t.task, true);
  }
}

void core::state::take(worker& w, const protocol::recalled& m) {
  for (const auto& item : m.items)
    if (auto h = held_by(w, item.task, item.attempt); h.record) {
      ++stats.recalled;
      take_back(w, h, false);
    }
  for (const auto& item : m.kept)
    if (auto h = held_by(w, item.task, item.attempt); h.record) mark_running(w, h);
  touch(w);
}

void core::state::take(worker& w, const protocol::heartbeat& m) {
  w.memory_used = m.memory_used;
  if (w.unacked != 0) speak(w);
  // A worker that runs nothing and starts nothing of what it holds (it has too little memory, say)
  // gets nothing new and is asked for it back, until it says otherwise.
  auto oldest = now;
  for (const auto& f : w.filled) oldest = std::min(oldest, f.since);
  bool stalled = m.running == 0 && m.queued > 0 && now - oldest > stalled_after;
  if (m.running > 0 || m.queued == 0) stalled = false;
  else stalled = stalled || w.stalled;
  if (stalled == w.stalled) return;
  w.stalled = stalled;
  if (stalled) recall_unstarted(w);
  workers.count_placeable(w);
  touch(w);
}

}  // namespace troupe::scheduler
