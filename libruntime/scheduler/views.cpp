// What people see: rows of jobs and tasks, filled on demand.
#include <algorithm>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {

job_view core::state::view_of(const job_record& j) const {
  job_view v;
  v.id = j.id;
  v.name = j.name;
  v.owner = j.owner;
  v.lifetime = j.lifetime;
  v.first_index = j.first_index;
  v.open = j.open;
  v.done = j.done;
  v.refused = j.refused;
  v.tasks = j.counts;
  v.submitted_at = j.submitted_at;
  v.ended_at = j.ended_at;
  if (j.refused || j.cancelled) v.error = *j.cancel_error;
  return v;
}

task_view core::state::view_of(const job_record& j, std::uint32_t offset, time_point t) const {
  const auto& r = j.tasks[offset];
  task_view v;
  v.id = j.id_of(offset);
  v.state = r.state;
  bool begun = r.state >= task_state::assigned || r.attempt > 1;
  v.attempt = begun ? r.attempt : attempt_number{0};
  v.worker = r.worker;
  if (const auto* w = workers.find(r.worker)) v.worker_name = w->name;
  v.function = function_key(kinds.spec(j.templates[r.spec].spec).spec);
  if (const auto* x = r.rare()) v.label = x->label;
  if (r.state < task_state::running) v.why = why(j, offset, t);
  if (auto error = error_of(j, r)) v.error = *error;
  v.run_time = from_seconds(r.run_seconds);
  return v;
}

std::vector<job_view> core::jobs() const {
  std::vector<job_view> out;
  out.reserve(state_->jobs.live());
  state_->jobs.each([&](const job_record& j) { out.push_back(state_->view_of(j)); });
  std::reverse(out.begin(), out.end());
  return out;
}

std::optional<job_view> core::job(job_id id) const {
  const auto* j = state_->jobs.find(id);
  if (!j) return std::nullopt;
  return state_->view_of(*j);
}

std::vector<task_view> core::tasks(const task_filter& filter, time_point now) const {
  std::vector<task_view> out;
  auto skip = filter.offset;
  auto list = [&](const job_record& j) {
    if (out.size() >= filter.limit) return;
    auto matching = j.tasks.size();
    if (filter.state) matching = j.counts[static_cast<std::size_t>(*filter.state)];
    if (skip >= matching) {
      skip -= matching;  // a job that is skipped whole isn't looked at
      return;
    }
    std::uint32_t i = 0;
    if (!filter.state) i = static_cast<std::uint32_t>(std::exchange(skip, 0));
    for (; i < j.tasks.size() && out.size() < filter.limit; ++i) {
      if (filter.state && j.tasks[i].state != *filter.state) continue;
      if (skip > 0) {
        --skip;
        continue;
      }
      out.push_back(state_->view_of(j, i, now));
    }
  };
  if (!filter.job)
    state_->jobs.each(list);
  else if (const auto* j = state_->jobs.find(*filter.job))
    list(*j);
  return out;
}

result<value> core::result_of(task_id id) const {
  auto h = state_->find(id);
  if (!h.record) return fail(errc::not_found, "there is no task " + to_string(id));
  const auto& r = *h.record;
  if (r.has(task_flag::has_result)) return r.payload;
  if (r.state == task_state::finished)
    return fail(errc::result_lost, "the result of " + to_string(id) + " is no longer kept");
  if (auto error = state_->error_of(*h.owner, r)) return tl::unexpected(*error);
  return fail(errc::unavailable,
              to_string(id) + " has not finished: it is " + std::string{to_string(r.state)});
}

result<void> core::may_touch(client_id client, job_id id) const {
  const auto* j = state_->jobs.find(id);
  if (!j) return fail(errc::not_found, "there is no job " + std::to_string(id.value));
  if (state_->may(client, *j)) return {};
  return fail(errc::forbidden, "job " + std::to_string(id.value) + " belongs to " +
                                   (j->owner.empty() ? "somebody else" : j->owner));
}

}  // namespace troupe::scheduler
