// Why a task isn't running, in words that name the thing it waits for.
#include <algorithm>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

std::string seconds(duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", to_seconds(std::max(d, duration::zero())));
  return text;
}

// Of something that is over: short ones too are longer than nothing.
std::string took(duration d) {
  auto s = to_seconds(std::max(d, duration::zero()));
  char text[32];
  if (s >= 1)
    std::snprintf(text, sizeof text, "%.1f s", s);
  else if (s >= 0.001)
    std::snprintf(text, sizeof text, "%.0f ms", s * 1e3);
  else
    std::snprintf(text, sizeof text, "%.0f µs", std::max(1.0, s * 1e6));
  return text;
}

std::string plural(std::uint64_t n, const char* what) {
  return std::to_string(n) + ' ' + what + (n == 1 ? "" : "s");
}

}  // namespace

result<std::string> core::why(task_id id, time_point now) const {
  auto* j = state_->jobs.find(id.job);
  if (!j && state_->jobs.issued(id.job))
    return fail(errc::not_found, "job " + std::to_string(id.job.value) + " is no longer kept");
  if (!j) return fail(errc::not_found, "there is no job " + std::to_string(id.job.value));
  if (!j->has_offset(j->offset_of(id.index)))
    return fail(errc::not_found, "job " + std::to_string(id.job.value) + " has no task " +
                                     std::to_string(id.index));
  return state_->why(*j, j->offset_of(id.index), now);
}

std::string core::state::why(const job_record& j, std::uint32_t offset, time_point t) const {
  const auto& r = j.tasks[offset];
  const auto* w = workers.find(r.worker);
  auto on = w ? " on " + w->name : std::string{};
  auto error = error_of(j, r);
  switch (r.state) {
    case task_state::waiting:
      return why_waiting(j, r, t);
    case task_state::ready:
      return why_ready(j, r, t);
    case task_state::assigned:
    case task_state::running: {
      auto text = why_assigned(r, *w, t);
      // Waiting in a window is waiting for a slot all the same.
      if (r.state == task_state::assigned && !r.has(task_flag::filled))
        text += "; " + why_no_slot(class_of(j, r));
      if (r.has(task_flag::cancelling)) text += "; it was told to end: " + error_of_cancel(j, r)->message;
      if (w->lost()) {
        text += "; the worker has not been heard of for " + seconds(t - w->last_heard) +
                " and is given up " + seconds(w->lost_since + settings.worker_lease - t) + " from now";
      }
      return text;
    }
    case task_state::finished:
      return "finished" + on + " after " + took(from_seconds(r.run_seconds));
    case task_state::failed:
      return "failed: " + (error ? to_string(*error) : std::string{"no reason is known"});
    case task_state::cancelled:
      return "cancelled: " + (error ? error->message : std::string{"no reason is known"});
  }
  return {};
}

std::string core::state::why_assigned(const task_record& r, const worker& w, time_point t) const {
  if (r.has(task_flag::filled)) {
    auto since = seconds(t - w.filled[r.position].since);
    auto text = (r.state == task_state::running ? "running on " : "sent to run on ") + w.name;
    return text + " since " + since + " ago" + (w.exclusive ? ", alone, because a worker died under it" : "");
  }
  if (r.state == task_state::running) return "running on " + w.name;
  auto text = "next in the window of " + w.name + ", which runs " +
              plural(w.filled.size(), "other task");
  if (r.has(task_flag::recalling)) text += "; it was asked back to run elsewhere";
  return text;
}

std::string core::state::why_waiting(const job_record& j, const task_record& r, time_point t) const {
  if (r.has(task_flag::delayed))
    return "waits to be retried " + seconds(r.rare()->not_before - t) + " from now, after " +
           to_string(*r.error());
  if (r.extra && r.extra->unmet > 0) {
    std::string text = "waits for " + plural(r.extra->unmet, "task") + ": ";
    int named = 0;
    auto& self = const_cast<state&>(*this);
    auto name = [&](task_id id) {
      auto h = self.find(id);
      if (h.record && is_terminal(h.record->state)) return;
      if (++named > 3) return;
      text += named == 1 ? "" : ", ";
      text += h.record ? name_of(*h.owner, *h.record, id) + ", which is " +
                             std::string{to_string(h.record->state)}
                       : to_string(id) + ", which was not submitted yet";
    };
    for (auto id : r.extra->inputs) name(id);
    for (auto id : r.extra->after) name(id);
    return named > 3 ? text + ", …" : text;
  }
  if (j.held) return "its job takes tasks until it is closed and starts then";
  return "waits";
}

std::string core::state::why_ready(const job_record& j, const task_record& r, time_point) const {
  const auto& c = class_of(j, r);
  if (r.has(task_flag::suspect)) {
    auto eligible = eligible_workers(c);
    if (eligible > 0)
      return "a worker died under it, so it runs alone next: it waits for one of " +
             plural(eligible, "worker") + " to be empty";
  }
  return why_no_slot(c);
}

std::uint64_t core::state::eligible_workers(const task_class& c) const {
  std::uint64_t n = 0;
  for (const auto& k : workers.kinds())
    if (k->refs > 0 && could_run(*k, c)) n += k->placeable;
  return n;
}

bool core::state::could_run(const worker_kind& k, const task_class& c) const {
  const auto& s = kinds.shape_of(c);
  return (s.pool.empty() || s.pool == k.pool) && k.total.contains(s.resources) &&
         (!c.call || k.knows(kinds.function_of(c).key));
}

// What the pools that could run it are about.
std::string core::state::why_no_slot(const task_class& c) const {
  std::string out;
  auto add = [&](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  auto wants = "(" + to_string(kinds.shape_of(c).resources) + ")";
  if (auto n = eligible_workers(c); n > 0)
    add("no free slot " + wants + " on " + plural(n, "worker") + " that could run it");
  for (const auto& p : pools) {
    if (auto text = why_not_pool(p, c); !text.empty()) add("pool \"" + p.name + "\" " + text);
  }
  if (out.empty()) add("no worker has registered that could run it " + wants);
  return out;
}

// Empty if the pool has nothing to do with the task: it could never run there.
std::string core::state::why_not_pool(const pool_offer& p, const task_class& c) const {
  const auto& s = kinds.shape_of(c);
  const auto& function = kinds.function_of(c).key;
  if (!s.pool.empty() && p.name != s.pool) return {};
  if (!p.worker_resources.empty() && !p.worker_resources.contains(s.resources)) {
    auto name = p.worker_resources.missing(s.resources);
    return pools.size() > 4 ? "" : "has too little " + name;
  }
  bool listed = std::find(p.functions.begin(), p.functions.end(), function) != p.functions.end();
  if (c.call && p.functions_known && !listed) return "doesn't know " + function;
  if (!p.enabled) return "is disabled (its max is 0)";
  std::string text;
  auto add = [&](const std::string& t) { text += (text.empty() ? "" : ", ") + t; };
  if (p.workers >= p.max_workers)
    add("is at its maximum of " + plural(p.max_workers, "worker"));
  else
    add("has " + plural(p.workers, "worker") +
        (p.max_workers == UINT32_MAX ? "" : " of at most " + std::to_string(p.max_workers)));
  if (!p.trouble.empty()) add(p.trouble);
  if (c.call && !p.functions_known && !listed && !known_in(p.name, function))
    add("may know " + function + ": its workers have yet to say");
  return text;
}

bool core::state::known_in(const std::string& pool, const std::string& function) const {
  return std::any_of(workers.kinds().begin(), workers.kinds().end(), [&](const auto& k) {
    return k->refs > 0 && k->pool == pool && k->knows(function);
  });
}

}  // namespace troupe::scheduler
