// Results: which are kept, when they go to disk, and how long finished jobs stay to be looked at.
//
// Where neither memory nor disk has room, a result that must be kept is refused: its task fails. To let
// tasks wait instead would wait for ever where those that read the results are among them.
//
// A result is kept while its client's future (want_results, not released), an unended dependent, or
// a detached job's retention needs it.
#include <algorithm>
#include <numeric>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

// A smaller value costs little more than its task's record; files of that size would cost more.
constexpr std::uint64_t spill_at_least = 1024;

std::size_t spill_rank(std::uint64_t bytes) {
  if (bytes >= std::uint64_t{1} << 20) return 0;
  return bytes >= std::uint64_t{64} << 10 ? 1 : 2;
}

std::uint64_t in_memory(const value& v) { return v.is_heap() ? v.size() : 0; }

}  // namespace

bool core::state::needed(const job_record& j, const task_record& r) const {
  if (r.extra && r.extra->input_users > 0) return true;
  if (j.refused) return false;
  if (j.lifetime == protocol::lifetime::detached) return true;
  return !j.abandoned && j.want_results && !r.has(task_flag::released);
}

void core::state::keep_or_drop(job_record& j, task_record& r, task_id id, const value& result) {
  if (!needed(j, r)) {
    r.payload = {};
    return;
  }
  r.payload = result;
  r.set(task_flag::has_result);
  ++retained;
  auto bytes = in_memory(result);
  result_bytes += bytes;
  if (bytes >= spill_at_least) spillable[spill_rank(bytes)].push_back(id);
}

void core::state::drop_result(task_record& r) {
  if (!r.has(task_flag::has_result)) return;
  --retained;
  auto bytes = in_memory(r.payload);
  result_bytes -= bytes;
  if (r.has(task_flag::spilling)) spilling_bytes -= bytes;
  bool was_on_disk = !r.payload.is_heap() && r.payload.size() >= spill_at_least;
  if (was_on_disk || result_bytes <= settings.results_memory)
    disk_trouble.clear();  // there may be room again
  r.clear(task_flag::has_result);
  r.clear(task_flag::spilling);
  r.payload = {};
}

void core::state::drop_if_unneeded(job_record& j, task_record& r) {
  if (r.has(task_flag::has_result) && !needed(j, r)) drop_result(r);
}

// Nobody outside wants the outcome any more.
void core::state::release(job_record& j, std::uint32_t offset) {
  auto& r = j.tasks[offset];
  if (r.has(task_flag::released)) return;
  r.set(task_flag::released);
  ++j.released;
  drop_if_unneeded(j, r);
}

void core::state::take(client_session& s, const protocol::release_results& m) {
  auto* j = jobs.find(m.job);
  if (!j || j->session != &s) return;  // no longer kept, or never its own
  for (auto range : m.tasks) {
    auto begin = std::max(range.begin, j->first_index) - j->first_index;
    auto end = std::min<std::uint64_t>(
        range.end < j->first_index ? 0 : range.end - j->first_index, j->tasks.size());
    for (auto i = begin; i < end; ++i) release(*j, i);
  }
  settle(*j);
}

error_ptr core::state::no_room_for(const job_record& j, const task_record& r,
                                   const value& result) const {
  auto bytes = in_memory(result);
  if (disk_trouble.empty() || bytes < spill_at_least || !needed(j, r)) return nullptr;
  if (result_bytes + bytes <= settings.results_memory) return nullptr;
  return make_error(errc::overloaded,
                    "no room for its result of " + std::to_string(bytes) + " bytes: " +
                        std::to_string(result_bytes) + " of scheduler.results_memory (" +
                        std::to_string(settings.results_memory) + ") are taken, and " +
                        disk_trouble + "; let go of results, or raise the limits");
}

void core::state::spill_excess() {
  if (!disk_trouble.empty()) return;
  while (result_bytes - spilling_bytes > settings.results_memory) {
    auto queue = std::find_if(spillable.begin(), spillable.end(),
                              [](const auto& q) { return !q.empty(); });
    if (queue == spillable.end()) return;
    auto id = queue->front();
    queue->pop_front();
    auto h = find(id);
    if (!h.record || !h.record->has(task_flag::has_result) ||
        h.record->has(task_flag::spilling) || in_memory(h.record->payload) < spill_at_least)
      continue;  // gone meanwhile, or on disk
    h.record->set(task_flag::spilling);
    spilling_bytes += in_memory(h.record->payload);
    spills.emplace_back(id, h.record->payload);
  }
}

void core::state::on(const result_spilled& e) {
  auto h = find(e.task);
  if (!h.record || !h.record->has(task_flag::spilling)) return;  // released meanwhile
  auto& r = *h.record;
  auto bytes = in_memory(r.payload);
  spilling_bytes -= bytes;
  result_bytes -= bytes;
  r.clear(task_flag::spilling);
  r.payload = e.stored;
  result_bytes += in_memory(r.payload);
}

void core::state::on(const result_not_spilled& e) {
  if (disk_trouble.empty())
    tell(protocol::event_kind::pool_changed, {}, 0, {}, {},
         "results stay in memory: " + e.why);
  disk_trouble = e.why;
  auto h = find(e.task);
  if (!h.record || !h.record->has(task_flag::spilling)) return;  // released meanwhile
  auto bytes = in_memory(h.record->payload);
  spilling_bytes -= bytes;
  h.record->clear(task_flag::spilling);
  spillable[spill_rank(bytes)].push_front(e.task);
}

// ---- retention --------------------------------------------------------------------------------

// A job that is over and that nobody waits for is kept for a while, for people to look at.
void core::state::settle(job_record& j) {
  if (!j.done || j.settled) return;
  bool wanted = j.lifetime == protocol::lifetime::client && !j.abandoned &&
                j.want_results && !j.refused && j.released < j.tasks.size();
  if (wanted) return;
  j.settled = true;
  j.settled_at = now;
  auto& kept = kept_with(j);
  kept.tasks += j.tasks.size();
  kept.queue.emplace_back(now, j.id);
  timers.add(now + settings.retention_time, timer_kind::retention, 0);
  retention_due = true;
}

// It has work again.
void core::state::unsettle(job_record& j) {
  j.done = false;
  if (std::exchange(j.settled, false)) kept_with(j).tasks -= j.tasks.size();
}

void core::state::enforce_retention() {
  retention_due = false;
  enforce_retention(kept_seen, [this] { return crowded(); });
  // A finished job's results must not go at once, however many tasks it has: the last one is kept.
  enforce_retention(kept_detached, [this] {
    return kept_detached.tasks > settings.retention_tasks && kept_detached.queue.size() > 1;
  });
}

// Whether jobs that are only kept to be looked at have to make room for others.
bool core::state::crowded() const {
  auto records = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  return !kept_seen.queue.empty() && records - kept_detached.tasks > settings.retention_tasks_seen;
}

void core::state::enforce_retention(kept_jobs& kept, const std::function<bool()>& too_many) {
  auto& queue = kept.queue;
  auto i = queue.begin();
  for (auto n = queue.size(); n > 0; --n) {
    auto [since, id] = *i;
    auto* j = jobs.find(id);
    bool stale = !j || !j->settled || j->settled_at != since;  // it had work again meanwhile
    bool due = since + settings.retention_time <= now || queue.size() > settings.retention_jobs;
    if (!stale && !due && !too_many()) return;
    if (!stale && j->pinned > 0 && !due) {  // it makes no room; others may
      ++i;
      continue;
    }
    i = queue.erase(i);
    if (stale) continue;
    if (j->pinned == 0) {
      purge(*j);
    } else {  // unended tasks still read its results: it goes round to the end
      j->settled_at = now;
      queue.emplace_back(now, id);
      i = queue.begin();
      timers.add(now + settings.retention_time, timer_kind::retention, 0);
    }
  }
}

void core::state::purge(job_record& j) {
  kept_with(j).tasks -= j.tasks.size();
  for (std::uint32_t i = 0; i < j.tasks.size(); ++i) drop_result(j.tasks[i]);
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] -= j.counts[i];
  for (const auto& t : j.templates) {
    auto freed = kinds.release_template(t.spec);
    if (freed == UINT32_MAX) continue;
    ready.reset(freed);
    for (const auto& k : workers.kinds())
      if (freed < k->fits.size()) k->fits[freed] = {};
  }
  auto& s = *j.session;
  s.jobs.erase(j.key);
  jobs.erase(j.id);
  forget_if_unused(s);
}

}  // namespace troupe::scheduler
