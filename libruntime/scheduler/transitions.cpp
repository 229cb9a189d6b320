// The life of a task: every change of a record's state happens in one of these functions.
//
//   waiting ──▶ ready ──▶ assigned ──▶ running ──▶ finished | failed | cancelled
//      ▲          ▲           │            │
//      └──────────┴───────────┴────────────┘   retry, recall, a lost worker
#include <algorithm>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {

void core::state::set_state(job_record& j, task_record& r, task_state to) {
  auto from = static_cast<std::size_t>(r.state);
  --j.counts[from];
  --counts[from];
  ++j.counts[static_cast<std::size_t>(to)];
  ++counts[static_cast<std::size_t>(to)];
  r.state = to;
}

task_handle core::state::find(task_id id) {
  auto* j = jobs.find(id.job);
  if (!j || !j->has_offset(j->offset_of(id.index))) return {nullptr, nullptr, id};
  return {j, &j->tasks[j->offset_of(id.index)], id};
}

void core::state::make_ready(job_record& j, task_record& r, task_id id, bool front) {
  set_state(j, r, task_state::ready);
  ++newly_ready;
  if (r.has(task_flag::suspect)) return add_suspect(j, r, id);
  if (front) return ready.add_front(j, r, id, now);
  auto offset = j.offset_of(id.index);
  ready.add(j, *j.flows[j.templates[r.spec].flow], offset, offset + 1, now);
  if (!quiet(j)) tell(protocol::event_kind::task_ready, id.job, id.index, {}, {}, {});
}

void core::state::leave_queue(job_record& j, task_record& r, task_id) {
  if (r.has(task_flag::suspect))
    drop_suspect(j, r);
  else
    ready.remove(j, r);
}

// The task was taken from its queue.
void core::state::assign(worker& w, const task_handle& t, bool fill, bool exclusive) {
  auto& r = *t.record;
  const auto& tmpl = t.owner->templates[r.spec];
  auto& c = kinds.klass(tmpl.class_index);
  r.clear(task_flag::taken);
  set_state(*t.owner, r, task_state::assigned);
  r.worker = w.id;
  auto order = w.next_order++;
  if (fill) {
    occupy(w, r, t.id, tmpl.class_index, order);
    ++c.running;
    ++newly_filled;
  } else {
    auto priority = t.owner->flows[tmpl.flow]->priority;
    auto& l = w.lane_for(tmpl.class_index, priority);
    r.position = l.tasks.push(t.id, order);
    ++l.live;
    workers.add_ahead(w, 1);
    ++c.ahead;
  }
  const auto& spec = kinds.spec(tmpl.spec);
  if (w.templates_known.size() <= tmpl.spec) w.templates_known.resize(tmpl.spec + 1);
  if (w.templates_known[tmpl.spec] != spec.version) {
    w.templates_known[tmpl.spec] = spec.version;
    w.new_templates.push_back(tmpl.spec);
  }
  if (w.assigns.empty()) w.assigns.reserve(w.usual_assigns);
  auto& item = w.assigns.emplace_back();
  item.task = t.id;
  item.attempt = r.attempt;
  item.spec = template_id{tmpl.spec + 1};
  item.arguments = r.payload;
  item.exclusive = exclusive;
  if (r.extra) {
    item.inputs.reserve(r.extra->inputs.size());
    for (auto input : r.extra->inputs) {
      auto from = find(input);  // nil when it failed and this task runs anyway
      item.inputs.push_back(from.record && from.record->has(task_flag::has_result)
                                ? from.record->payload
                                : value{});
    }
  }
  speak(w);
}

void core::state::unassign(worker& w, job_record& j, task_record& r) {
  const auto& tmpl = j.templates[r.spec];
  auto& c = kinds.klass(tmpl.class_index);
  if (r.has(task_flag::filled)) {
    const auto& need = fit(*w.kind, tmpl.class_index).need;
    for (std::size_t i = 0; i < need.size(); ++i) w.free[i] += need[i];
    auto at = r.position;
    w.filled[at] = w.filled.back();
    w.filled.pop_back();
    if (at < w.filled.size()) find(w.filled[at].task).record->position = at;
    --c.running;
  } else {
    auto& l = w.lane_for(tmpl.class_index, j.flows[tmpl.flow]->priority);
    l.tasks.erase(r.position);
    --l.live;
    workers.add_ahead(w, -1);
    bool running = r.has(task_flag::known_running);
    if (running || r.has(task_flag::recalling)) {
      --l.pinned;
      workers.add_pinned(w, -1);
      w.known_ahead -= running ? 1 : 0;
    }
    --(running ? c.running : c.ahead);
  }
  for (auto f : {task_flag::filled, task_flag::known_running, task_flag::recalling,
                 task_flag::cancelling})
    r.clear(f);
  touch(w);
}

// From a window back into the queue; the caller has unassigned it.
void core::state::give_back(job_record& j, task_record& r, task_id id, bool new_attempt) {
  if (new_attempt) {
    if (r.attempt == UINT16_MAX)
      return fail_task(j, r, id, make_error(errc::worker_lost, "its workers were lost 65,535 times"));
    ++r.attempt;
  }
  make_ready(j, r, id, true);
}

void core::state::finish_task(job_record& j, task_record& r, task_id id, value result) {
  if (auto error = no_room_for(j, r, result)) return fail_task(j, r, id, std::move(error));
  ++stats.finished;
  ++kinds.view_of(class_of(j, r)).succeeded;
  argument_bytes -= weight(r.payload);
  set_state(j, r, task_state::finished);
  r.forget_error();
  keep_or_drop(j, r, id, result);
  if (!j.refused) deliver(j, r, id, std::move(result));
  end_task(j, r, id);
}

void core::state::fail_task(job_record& j, task_record& r, task_id id, error_ptr error) {
  ++stats.failed;
  ++kinds.view_of(class_of(j, r)).failed;
  argument_bytes -= weight(r.payload);
  set_state(j, r, task_state::failed);
  tell(protocol::event_kind::task_finished, id.job, id.index, r.worker, {},
       "failed: " + to_string(*error));
  j.tasks.particulars_of(r).error = std::move(error);
  if (!j.refused) deliver(j, r, id);
  end_task(j, r, id);
}

void core::state::cancel_task(job_record& j, task_record& r, task_id id, const error_ptr& error) {
  ++stats.cancelled;
  ++kinds.view_of(class_of(j, r)).cancelled;
  argument_bytes -= weight(r.payload);
  set_state(j, r, task_state::cancelled);
  // A million tasks cancelled together must not cost a million errors: most say what the job says.
  r.forget_error();
  if (error && error != j.cancel_error) j.tasks.particulars_of(r).error = error;
  if (!j.refused) deliver(j, r, id);
  end_task(j, r, id);
}

void core::state::end_task(job_record& j, task_record& r, task_id id) {
  if (r.state == task_state::finished && !quiet(j))
    tell(protocol::event_kind::task_finished, id.job, id.index, r.worker, {}, "finished");
  if (r.extra) {
    drop_inputs(r);
    if (!r.extra->dependents.empty()) ended.push_back(id);
  }
  if (j.unended() == 0) maybe_done.push_back(j.id);
}

// True if the task gets another attempt for this error.
bool core::state::retry(job_record& j, task_record& r, task_id id, const failure& why) {
  const auto& options = options_of(j, r);
  if (why.code != errc::task_error && why.code != errc::timed_out) return false;
  if (j.refused || j.cancelled || options.retries == 0 || r.attempt == UINT16_MAX) return false;
  auto& past = j.tasks.particulars_of(r);
  if (past.retries >= options.retries) return false;
  constexpr duration longest = std::chrono::minutes{5};
  auto delay = options.retry_delay;
  for (int i = 0; i < past.retries && delay < longest; ++i) delay *= 2;
  delay = std::min(delay, std::max(longest, options.retry_delay));
  ++past.retries;
  ++r.attempt;
  ++stats.retried;
  past.error = std::make_shared<const failure>(why);
  tell(protocol::event_kind::task_retried, id.job, id.index, r.worker, {}, to_string(why));
  if (delay <= duration::zero()) {
    make_ready(j, r, id, false);
    return true;
  }
  set_state(j, r, task_state::waiting);
  r.set(task_flag::delayed);
  past.not_before = now + delay;
  timers.add(past.not_before, timer_kind::retry, std::uint64_t{id.job.value} << 32 | id.index);
  return true;
}

void core::state::finish_jobs() {
  for (std::size_t i = 0; i < maybe_done.size(); ++i) {  // one end may bring about another
    auto id = maybe_done[i];
    auto* j = jobs.find(id);
    if (!j || j->open || j->done || j->unended() != 0) continue;
    j->done = true;
    j->ended_at = now;
    auto n = [&](task_state s) { return std::to_string(j->counts[static_cast<std::size_t>(s)]); };
    tell(protocol::event_kind::job_finished, id, 0, {}, {},
         n(task_state::finished) + " finished, " + n(task_state::failed) + " failed, " +
             n(task_state::cancelled) + " cancelled");
    if (!j->refused) announce(*j);
    settle(*j);
  }
  maybe_done.clear();
}

std::string core::state::name_of(const job_record& j, const task_record& r, task_id id) const {
  (void)j;
  auto out = to_string(id);
  if (const auto* x = r.rare(); x && !x->label.empty()) out += " (" + x->label + ")";
  return out;
}

}  // namespace troupe::scheduler
