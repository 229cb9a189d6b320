// Dependencies: edges between tasks, of one job or several; forward references; circles; and what
// happens to dependents when a task ends.
//
// An edge is an entry in the waiting task's `inputs` or `after` and one in the other's
// `dependents`, until the other ends. `input_users` counts the edges that still need its value.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {

result<task_id> core::state::resolve(client_session& s, const job_record& j,
                                     const protocol::task_reference& r) {
  (void)j;
  if (r.job) return task_id{r.job, r.index};
  auto known = s.jobs.find(r.key);
  if (known == s.jobs.end())
    return fail(errc::not_found, "it depends on a task of a job with key " +
                                     std::to_string(r.key) + ", which was not opened");
  return task_id{known->second, r.index};
}

// Adds one edge to the waiting task at `offset`. `broken` is set if the task can't run any more
// because of it; an error means the submission makes no sense.
result<void> core::state::depend(job_record& j, std::uint32_t offset, edge e, error_ptr& broken) {
  auto id = j.id_of(offset);
  auto words = [&] { return to_string(id) + " depends on " + to_string(e.on); };
  if (e.on == id) return fail(errc::cycle, words() + ": on itself");
  auto* other = jobs.find(e.on.job);
  if (!other && jobs.issued(e.on.job))
    return fail(errc::result_lost, words() + ", whose job is no longer kept");
  if (!other) return fail(errc::not_found, words() + ", but there is no such job");
  auto on_offset = other->offset_of(e.on.index);
  auto& more = j.tasks.more(j.tasks[offset]);
  if (!other->has_offset(on_offset)) {
    if (other->refused)
      return fail(errc::dependency_failed,
                  words() + ", whose job was refused: " + other->cancel_error->message);
    if (e.on.index < other->first_index || !other->open)
      return fail(errc::not_found, words() + ", but there is no such task");
    (e.input ? more.inputs : more.after).push_back(e.on);
    other->forward[on_offset].push_back({id, e.input});
    other->had_forward = true;
    ++more.unmet;
    return {};
  }
  auto& on = other->tasks[on_offset];
  if (e.input && on.state == task_state::finished && !on.has(task_flag::has_result))
    return fail(errc::result_lost, words() + ", whose result is no longer kept");
  (e.input ? more.inputs : more.after).push_back(e.on);
  if (e.input) use_input(*other, on);
  if (!is_terminal(on.state)) {
    other->tasks.more(on).dependents.push_back(id);
    ++more.unmet;
  } else if (on.state != task_state::finished &&
             options_of(j, j.tasks[offset]).run_when != run_condition::always && !broken) {
    broken = dependency_error(*other, on, e.on);
  }
  return {};
}

void core::state::use_input(job_record& j, task_record& r) {
  if (j.tasks.more(r).input_users++ == 0) ++j.pinned;
}

// The task at `offset` was just appended: those that named it before get their edges.
void core::state::meet_forward(job_record& j, std::uint32_t offset) {
  auto waiting = j.forward.extract(offset);
  if (waiting.empty()) return;
  auto& r = j.tasks[offset];
  for (const auto& [id, input] : waiting.mapped()) {
    auto h = find(id);
    if (!h.record || is_terminal(h.record->state)) continue;
    j.tasks.more(r).dependents.push_back(id);
    if (input) use_input(j, r);
  }
}

// The task has ended, or will be submitted anew: it needs its inputs no longer.
void core::state::drop_inputs(task_record& r) {
  for (auto input : r.extra->inputs) {
    auto from = find(input);
    if (!from.record || !from.record->extra || from.record->extra->input_users == 0) continue;
    if (--from.record->extra->input_users > 0) continue;
    --from.owner->pinned;
    drop_if_unneeded(*from.owner, *from.record);
  }
}

// Before the tasks at these offsets, sorted, get their edges anew. Of a task that has failed, those that it waited
// for still know it: to be told twice of one end, it would start while it waits for another.
void core::state::forget_dependents(const job_record& j, const std::vector<std::uint32_t>& offsets) {
  auto is_one = [&](task_id id) {
    return id.job == j.id && std::binary_search(offsets.begin(), offsets.end(), j.offset_of(id.index));
  };
  std::unordered_set<task_id> seen;
  auto look = [&](task_id on) {
    auto* other = seen.insert(on).second ? jobs.find(on.job) : nullptr;
    if (!other) return;
    auto offset = other->offset_of(on.index);
    if (auto waiting = other->forward.find(offset); waiting != other->forward.end())
      std::erase_if(waiting->second, [&](const auto& f) { return is_one(f.from); });
    if (other->has_offset(offset) && other->tasks[offset].extra)
      other->tasks[offset].extra->dependents.erase_if(is_one);
  };
  for (auto i : offsets) {
    const auto* more = j.tasks[i].extra;
    if (!more) continue;
    for (auto on : more->inputs) look(on);
    for (auto on : more->after) look(on);
  }
}

error_ptr core::state::dependency_error(const job_record& on_job, const task_record& on,
                                        task_id on_id) const {
  auto error = error_of(on_job, on);
  if (error && error->code == errc::dependency_failed) return error;  // names the root already
  auto what = on.state == task_state::cancelled ? ", which was cancelled" : ", which failed";
  auto text = "it depends on " + name_of(on_job, on, on_id) + what;
  if (error) text += ": " + (on.state == task_state::cancelled ? error->message : to_string(*error));
  return make_error(errc::dependency_failed, std::move(text));
}

// A list instead of recursion: chains may be as long as memory allows.
void core::state::tell_dependents() {
  for (std::size_t i = 0; i < ended.size(); ++i) {
    auto on = find(ended[i]);
    auto dependents = std::exchange(on.record->extra->dependents, {});
    error_ptr broken;
    for (auto id : dependents) {
      auto h = find(id);
      if (!h.record || h.record->state != task_state::waiting) continue;  // cancelled meanwhile
      auto& r = *h.record;
      --r.extra->unmet;
      if (on.record->state != task_state::finished &&
          options_of(*h.owner, r).run_when != run_condition::always) {
        if (!broken) broken = dependency_error(*on.owner, *on.record, on.id);
        r.clear(task_flag::held);
        fail_task(*h.owner, r, id, broken);
      } else if (r.extra->unmet == 0 && !r.has(task_flag::held)) {
        make_ready(*h.owner, r, id, false);
      }
    }
  }
  ended.clear();
}

// ---- when a job is closed -----------------------------------------------------------------------

result<void> core::state::check_graph(const job_record& j) {
  auto missing = std::exchange(const_cast<job_record&>(j).forward, {});
  for (const auto& [offset, waiting] : missing) {
    for (const auto& [id, input] : waiting) {
      auto h = find(id);
      if (!h.record || is_terminal(h.record->state)) continue;
      auto text = name_of(*h.owner, *h.record, id) + " depends on " + to_string(j.id_of(offset)) +
                  ", which was never submitted";
      if (h.owner == &j && !j.independent) return fail(errc::not_found, text);
      fail_task(*h.owner, *h.record, id, make_error(errc::dependency_failed, text));
    }
  }
  // Without forward references every edge points to an older task: no circle can exist.
  if (!j.had_forward) return {};
  auto circle = circle_from(j);
  if (circle.empty()) return {};
  return fail(errc::cycle, "these tasks wait for each other in a circle: " + circle);
}

// Depth-first over what waiting tasks wait for, through other jobs too. Empty if there is no circle.
std::string core::state::circle_from(const job_record& j) const {
  enum : std::uint8_t { on_path = 1, clear = 2 };
  struct step {
    task_id task;
    std::size_t next;
  };
  auto& self = const_cast<state&>(*this);
  std::unordered_map<task_id, std::uint8_t> seen;
  std::vector<step> path;
  auto waits = [&](task_id id) {
    auto h = self.find(id);
    return h.record && h.record->state == task_state::waiting && h.record->extra;
  };
  for (std::uint32_t root = 0; root < j.tasks.size(); ++root) {
    if (!waits(j.id_of(root)) || !seen.try_emplace(j.id_of(root), on_path).second) continue;
    path.push_back({j.id_of(root), 0});
    while (!path.empty()) {
      auto& top = path.back();
      const auto& more = *self.find(top.task).record->extra;
      auto n = more.inputs.size();
      if (top.next == n + more.after.size()) {
        seen[top.task] = clear;
        path.pop_back();
        continue;
      }
      auto on = top.next < n ? more.inputs[top.next] : more.after[top.next - n];
      ++top.next;
      if (!waits(on)) continue;
      auto [mark, fresh] = seen.try_emplace(on, on_path);
      if (fresh) {
        path.push_back({on, 0});
      } else if (mark->second == on_path) {
        auto at = std::find_if(path.begin(), path.end(), [&](const step& s) { return s.task == on; });
        std::string text;
        for (auto i = at; i != path.end(); ++i) {
          auto h = self.find(i->task);
          text += name_of(*h.owner, *h.record, i->task) + " → ";
        }
        auto h = self.find(on);
        return text + name_of(*h.owner, *h.record, on);
      }
    }
  }
  return {};
}

}  // namespace troupe::scheduler
