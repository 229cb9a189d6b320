// Cancelling tasks and jobs, and starting failed ones anew. Both are idempotent.
#include <algorithm>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

// The offsets of a job that a range of indexes covers.
std::pair<std::uint32_t, std::uint32_t> offsets(const job_record& j, protocol::index_range range) {
  auto clamp = [&](task_index i) {
    if (i <= j.first_index) return std::uint32_t{0};
    return std::min(i - j.first_index, j.tasks.size());
  };
  return {clamp(range.begin), std::max(clamp(range.begin), clamp(range.end))};
}

}  // namespace

void core::state::take(client_session& s, const protocol::cancel& m) {
  auto* j = jobs.find(m.job);
  if (!j || !may(s.client, *j)) {
    ++stats.stale;
    return;
  }
  cancel(*j, m.tasks, m.reason.empty() ? "cancelled by " + (s.owner.empty() ? "its client" : s.owner)
                                       : m.reason);
}

void core::state::cancel(job_record& j, const std::vector<protocol::index_range>& ranges,
                         const std::string& reason) {
  auto error = make_error(errc::cancelled, reason);
  if (!j.cancel_error) j.cancel_error = error;
  if (j.cancel_error->message == reason) error = j.cancel_error;
  if (ranges.empty()) {
    j.cancelled = true;
    j.open = false;
    for (std::uint32_t i = 0; i < j.tasks.size(); ++i) cancel_one(j, i, error);
    if (j.unended() == 0) maybe_done.push_back(j.id);
    return;
  }
  for (auto range : ranges) {
    auto [begin, end] = offsets(j, range);
    for (auto i = begin; i < end; ++i) cancel_one(j, i, error);
  }
}

void core::state::cancel_one(job_record& j, std::uint32_t offset, const error_ptr& error) {
  auto& r = j.tasks[offset];
  auto id = j.id_of(offset);
  switch (r.state) {
    case task_state::waiting:
      r.clear(task_flag::held);
      r.clear(task_flag::delayed);
      return cancel_task(j, r, id, error);
    case task_state::ready:
      leave_queue(j, r, id);
      return cancel_task(j, r, id, error);
    case task_state::assigned:
    case task_state::running: {
      if (r.has(task_flag::cancelling)) return;
      r.set(task_flag::cancelling);
      r.forget_error();  // of an earlier attempt
      if (error != j.cancel_error) j.tasks.particulars_of(r).error = error;
      auto* w = workers.find(r.worker);
      w->cancels.emplace_back(protocol::attempt_reference{id, r.attempt}, error->message);
      return speak(*w);
    }
    default:
      return;
  }
}

// ---- retry ------------------------------------------------------------------------------------

void core::state::on(const retry_tasks& e) {
  auto* j = jobs.find(e.job);
  if (!j || !may(e.client, *j) || j->refused) {
    ++stats.stale;
    return;
  }
  auto ended_badly = [&](std::uint32_t i) {
    auto s = j->tasks[i].state;
    if (j->tasks[i].has(task_flag::refused)) return false;
    return s == task_state::failed || (s == task_state::cancelled && !e.tasks.empty());
  };
  std::vector<std::uint32_t> chosen;
  auto everything = std::vector<protocol::index_range>{{0, UINT32_MAX}};
  for (auto range : e.tasks.empty() ? everything : e.tasks) {
    auto [begin, end] = offsets(*j, range);
    for (auto i = begin; i < end; ++i)
      if (ended_badly(i)) chosen.push_back(i);
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  if (chosen.empty()) return;
  unsettle(*j);
  j->cancelled = false;
  // All are waiting before the first looks at its dependencies, which may be among them.
  for (auto i : chosen) {
    auto& r = j->tasks[i];
    set_state(*j, r, task_state::waiting);
    argument_bytes += weight(r.payload);
    if (r.has(task_flag::released)) --j->released;
    r.flags = 0;
    if (r.attempt < UINT16_MAX) ++r.attempt;
    j->tasks.more(r).unmet = 0;
    r.forget_error();
    if (auto* x = r.rare()) x->crashes = x->retries = 0;
  }
  forget_dependents(*j, chosen);
  for (auto i : chosen) revive(*j, i);
  if (j->unended() == 0) maybe_done.push_back(j->id);
}

void core::state::revive(job_record& j, std::uint32_t offset) {
  auto id = j.id_of(offset);
  auto& more = j.tasks.more(j.tasks[offset]);
  auto inputs = std::exchange(more.inputs, {});
  auto after = std::exchange(more.after, {});
  error_ptr broken;
  auto add = [&](task_id on, bool input) {
    auto fine = depend(j, offset, {on, input}, broken);
    if (fine) return;
    // Kept in the list, so that another retry or a view still knows what it named.
    (input ? more.inputs : more.after).push_back(on);
    if (!broken) broken = std::make_shared<const failure>(fine.error());
  };
  for (auto on : inputs) add(on, true);
  for (auto on : after) add(on, false);
  auto& r = j.tasks[offset];
  if (broken)
    fail_task(j, r, id, broken);
  else if (more.unmet == 0)
    make_ready(j, r, id, false);
}

}  // namespace troupe::scheduler
