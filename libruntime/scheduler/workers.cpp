// Workers coming, falling silent, dying and being drained; and what that means for their tasks.
//
//   connected ──link gone or silent──▶ disconnected ──worker_lost_after──▶ unstarted tasks go back
//       ▲                                   │  └──────worker_lease──▶ given up: running ones too
//       └──────── joined again ─────────────┘
#include <algorithm>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {

void core::state::touch(worker& w) {
  if (w.dirty) return;
  w.dirty = true;
  dirty.push_back(&w);
}

void core::state::on(const worker_joined& e) {
  if (auto* known = workers.find(e.worker)) {
    if (known->incarnation == e.info.incarnation) return rejoin(*known, e.info);
    remove_worker(*known, "it was started again", false);
  }
  auto& w = workers.add(e.worker, e.info);
  w.instance = e.instance;
  w.registered_at = w.last_heard = w.idle_since = now;
  timers.add(now + settings.worker_lost_after, timer_kind::worker, w.id.value);
  tell(protocol::event_kind::worker_joined, {}, 0, w.id, w.kind->pool, w.name + " on " + w.host);
  disown(w, e.info.held);
  workers.count_placeable(w);
  touch(w);
}

// Tasks the worker holds that are not (or no longer) its own: it ends them.
void core::state::disown(worker& w, const std::vector<protocol::held_task>& held) {
  for (const auto& item : held) {
    auto h = find(item.task);
    bool own = h.record && h.record->worker == w.id && h.record->attempt == item.attempt &&
               (h.record->state == task_state::assigned || h.record->state == task_state::running);
    if (own) continue;
    ++stats.stale;
    w.cancels.emplace_back(protocol::attempt_reference{item.task, item.attempt},
                           "it was given to another worker meanwhile");
    speak(w);
  }
}

// The same process on a new link. What either side said at the end of the old one may be lost.
void core::state::rejoin(worker& w, const protocol::register_worker& info) {
  w.connected = true;
  w.silent = w.unstarted_returned = false;
  w.last_heard = now;
  w.hush();
  std::map<task_id, protocol::held_task> held;
  for (const auto& item : info.held) held[item.task] = item;
  for (auto id : window_of(w)) {
    auto h = find(id);
    auto& r = *h.record;
    auto at = held.find(id);
    if (at == held.end() || at->second.attempt != r.attempt) {
      // It never arrived there. A task known to have run can't vanish without a crash.
      if (r.has(task_flag::known_running))
        charge(w, h, w.name + " lost it");
      else
        take_back(w, h, true);
      continue;
    }
    if (r.has(task_flag::recalling)) forget_recall(w, h);
    if (at->second.running) mark_running(w, h);
    if (r.has(task_flag::cancelling))
      w.cancels.emplace_back(protocol::attempt_reference{id, r.attempt},
                             error_of_cancel(*h.owner, r)->message);
  }
  disown(w, info.held);
  timers.add(now + settings.worker_lost_after, timer_kind::worker, w.id.value);
  if (w.draining) {
    w.drain_pending = true;
    recall_unstarted(w);
  }
  tell(protocol::event_kind::worker_joined, {}, 0, w.id, w.kind->pool, w.name + " is back");
  workers.count_placeable(w);
  speak(w);
  touch(w);
}

void core::state::on(const worker_disconnected& e) {
  auto* w = workers.find(e.worker);
  if (!w || !w->connected) {
    ++stats.stale;
    return;
  }
  w->connected = false;
  if (!w->silent) lose(*w, now, "its link was lost");
}

void core::state::lose(worker& w, time_point since, const std::string& why) {
  w.lost_since = since;
  if (w.reserved) unreserve(w);
  workers.count_placeable(w);
  timers.add(std::max(now, since + settings.worker_lost_after), timer_kind::worker, w.id.value);
  tell(protocol::event_kind::worker_lost, {}, 0, w.id, w.kind->pool, w.name + ": " + why);
  touch(w);
}

void core::state::heard_from(worker& w) {
  w.last_heard = now;
  if (!w.silent) return;
  w.silent = w.unstarted_returned = false;
  timers.add(now + settings.worker_lost_after, timer_kind::worker, w.id.value);
  tell(protocol::event_kind::worker_joined, {}, 0, w.id, w.kind->pool, w.name + " speaks again");
  workers.count_placeable(w);
  touch(w);
}

// A timer of this worker is due. Timers are hints: everything is decided by what is true now.
void core::state::check_worker(worker_id id) {
  auto* w = workers.find(id);
  if (!w) return;
  if (!w->lost()) {
    auto deadline = w->last_heard + settings.worker_lost_after;
    if (now < deadline) return timers.add(deadline, timer_kind::worker, id.value);
    w->silent = true;
    return lose(*w, w->last_heard, "no heartbeat");
  }
  if (now >= w->lost_since + settings.worker_lease) {
    expired.push_back(id);
    auto seconds = std::to_string(duration_cast<std::chrono::seconds>(settings.worker_lease).count());
    return remove_worker(*w, "nothing was heard of it for " + seconds + " s", false);
  }
  if (now >= w->lost_since + settings.worker_lost_after && !w->unstarted_returned) {
    w->unstarted_returned = true;
    return_unstarted(*w);
    timers.add(w->lost_since + settings.worker_lease, timer_kind::worker, id.value);
  }
}

void core::state::return_unstarted(worker& w) {
  for (auto id : window_of(w)) {
    auto h = find(id);
    if (h.record->has(task_flag::filled) || h.record->has(task_flag::known_running)) continue;
    // A silent worker may still get messages: it must not run what runs elsewhere.
    w.cancels.emplace_back(protocol::attempt_reference{id, h.record->attempt},
                           "it was given to another worker");
    take_back(w, h, true);
  }
  speak(w);
}

void core::state::on(const worker_died& e) {
  if (auto* w = workers.find(e.worker)) remove_worker(*w, e.reason, e.deliberate);
}

void core::state::remove_worker(worker& w, const std::string& reason, bool deliberate) {
  w.connected = false;
  workers.count_placeable(w);
  auto running = deliberate ? std::set<task_id>{} : presumed_running(w);
  for (auto id : window_of(w)) {
    auto h = find(id);
    if (running.contains(id))
      charge(w, h, w.name + ": " + reason);
    else
      take_back(w, h, true);
  }
  if (w.reserved) unreserve(w);
  std::erase(w.kind->thirsty, w.id);
  tell(deliberate || w.empty() ? protocol::event_kind::worker_gone : protocol::event_kind::worker_lost,
       {}, 0, w.id, w.kind->pool, w.name + ": " + reason);
  gone.push_back(workers.erase(w));
}

// Every task of the window, lowest id first: the order in which they go back.
std::vector<task_id> core::state::window_of(const worker& w) const {
  std::vector<task_id> out;
  out.reserve(w.filled.size() + w.ahead);
  for (const auto& f : w.filled) out.push_back(f.task);
  for (const auto& l : w.lanes)
    for (auto i = l.tasks.begin(); i != l.tasks.end(); ++i)
      if (l.tasks[i].task.job) out.push_back(l.tasks[i].task);
  std::sort(out.begin(), out.end());
  return out;
}

// Those known to run, and, as far as the worker's resources go, the first of the others.
std::set<task_id> core::state::presumed_running(const worker& w) {
  std::set<task_id> out;
  auto room = w.kind->capacity;
  auto take = [&](task_id id) {
    auto h = find(id);
    const auto& need = fit(*w.kind, h.owner->templates[h.record->spec].class_index).need;
    for (std::size_t i = 0; i < need.size(); ++i) room[i] -= need[i];
    out.insert(id);
  };
  for (auto id : window_of(w))
    if (find(id).record->has(task_flag::known_running)) take(id);
  auto filled = w.filled;
  std::sort(filled.begin(), filled.end(), [](const auto& a, const auto& b) {
    return static_cast<std::int32_t>(a.order - b.order) < 0;
  });
  for (const auto& f : filled)
    if (!out.contains(f.task) && fits(room, fit(*w.kind, f.class_index).need)) take(f.task);
  return out;
}

// Its worker died while it ran there: perhaps because of it.
void core::state::charge(worker& w, const task_handle& t, const std::string& reason) {
  auto& r = *t.record;
  auto& j = *t.owner;
  bool cancelling = r.has(task_flag::cancelling);
  auto cancel_error = cancelling ? error_of_cancel(j, r) : nullptr;
  unassign(w, j, r);
  if (cancelling) return cancel_task(j, r, t.id, cancel_error);
  ++stats.charged;
  auto crashes = ++j.tasks.particulars_of(r).crashes;
  auto own = options_of(j, r).crash_limit;
  auto limit = std::max<std::uint16_t>(1, own > 0 ? own : settings.crash_limit);
  if (crashes >= limit) {
    auto times = crashes == 1 ? std::string{"once"} : std::to_string(crashes) + " times";
    return fail_task(j, r, t.id,
                     make_error(errc::crash_limit,
                                "its worker died under it " + times + ", the last time " + reason));
  }
  r.set(task_flag::suspect);
  tell(protocol::event_kind::task_retried, t.id.job, t.id.index, w.id, {},
       "its worker died under it: " + reason);
  give_back(j, r, t.id, true);
}

// Out of the worker's window and back into the queue, nobody being to blame.
void core::state::take_back(worker& w, const task_handle& t, bool new_attempt) {
  auto& r = *t.record;
  bool cancelling = r.has(task_flag::cancelling);
  auto error = cancelling ? error_of_cancel(*t.owner, r) : nullptr;
  unassign(w, *t.owner, r);
  if (cancelling) return cancel_task(*t.owner, r, t.id, error);
  give_back(*t.owner, r, t.id, new_attempt);
}

error_ptr core::state::error_of_cancel(const job_record& j, const task_record& r) const {
  auto own = r.error();
  return own ? own : j.cancel_error;
}

void core::state::forget_recall(worker& w, const task_handle& t) {
  t.record->clear(task_flag::recalling);
  if (t.record->has(task_flag::filled) || t.record->has(task_flag::known_running)) return;
  const auto& tmpl = t.owner->templates[t.record->spec];
  --w.lane_for(tmpl.class_index, t.owner->flows[tmpl.flow]->priority).pinned;
  workers.add_pinned(w, -1);
}

// ---- cordon and drain ---------------------------------------------------------------------------

void core::state::on(const cordon_worker& e) {
  auto* w = workers.find(e.worker);
  if (!w) return;
  w->cordoned = e.on;
  workers.count_placeable(*w);
  touch(*w);
}

void core::state::on(const drain_worker& e) {
  auto* w = workers.find(e.worker);
  if (!w || w->draining == e.on) return;
  w->draining = e.on;
  w->drain_told = false;
  w->drain_reason = e.reason;
  w->drain_pending = e.on;
  if (w->reserved) unreserve(*w);
  workers.count_placeable(*w);
  tell(protocol::event_kind::worker_draining, {}, 0, w->id, w->kind->pool,
       w->name + (e.on ? ": " + e.reason : " is taken back"));
  if (e.on) recall_unstarted(*w);
  speak(*w);
  touch(*w);
}

void core::state::check_drained(worker& w) {
  if (!w.draining || w.drain_told || !w.empty()) return;
  w.drain_told = true;
  drained.push_back(w.id);
}

void core::state::on(const pools_changed& e) { pools = e.pools; }

}  // namespace troupe::scheduler
