// Everything that must hold between two handle() calls. Slow: walks every task. For tests.
#include <algorithm>
#include <map>
#include <stdexcept>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error("invariant broken: " + what);
}

void require_equal(std::uint64_t counted, std::uint64_t kept, const std::string& what) {
  require(counted == kept, what + ": counted " + std::to_string(counted) + ", kept " +
                               std::to_string(kept));
}

}  // namespace

struct invariant_check {
  struct class_count {
    std::uint64_t ready = 0, suspects = 0, ahead = 0, running = 0;
  };
  explicit invariant_check(const core::state& checked) : s(checked) {}

  const core::state& s;
  core::state& mutable_s = const_cast<core::state&>(s);  // find() has no const twin
  std::map<std::uint32_t, class_count> classes;
  std::array<std::uint64_t, task_state_count> counts{};
  std::map<worker_id, std::uint64_t> held;
  std::map<task_id, std::uint64_t> waited_for, used;  // edges, from the waiting side
  std::uint64_t retained = 0, result_bytes = 0, argument_bytes = 0, suspects = 0, settled_tasks = 0;

  void run() {
    s.jobs.each([&](const job_record& j) { edges(j); });
    s.jobs.each([&](const job_record& j) { one_job(j); });
    for (std::size_t i = 0; i < counts.size(); ++i)
      require_equal(counts[i], s.counts[i], "tasks " + std::string{to_string(task_state(i))});
    s.workers.each([&](const worker& w) { one_worker(w); });
    totals();
    for (std::uint32_t i = 0; i < s.kinds.class_count(); ++i) one_class(i);
  }

  void edges(const job_record& j) {
    for (std::uint32_t i = 0; i < j.tasks.size(); ++i) {
      const auto& r = j.tasks[i];
      if (!r.extra || is_terminal(r.state)) continue;
      for (auto id : r.extra->inputs) ++used[id];
      if (r.state != task_state::waiting) continue;
      for (auto id : r.extra->inputs) ++waited_for[id];
      for (auto id : r.extra->after) ++waited_for[id];
    }
  }

  void one_job(const job_record& j) {
    std::array<std::uint64_t, task_state_count> mine{};
    std::map<std::uint32_t, std::uint64_t> queued;
    std::uint64_t released = 0, pinned = 0;
    for (std::uint32_t i = 0; i < j.tasks.size(); ++i) {
      const auto& r = j.tasks[i];
      ++mine[static_cast<std::size_t>(r.state)];
      one_task(j, r, j.id_of(i));
      released += r.has(task_flag::released);
      pinned += r.extra && r.extra->input_users > 0;
      bool in_flow = r.state == task_state::ready && !r.has(task_flag::front) &&
                     !r.has(task_flag::suspect);
      if (in_flow) ++queued[j.templates[r.spec].flow];
    }
    auto name = "job " + std::to_string(j.id.value);
    for (std::size_t i = 0; i < mine.size(); ++i) {
      require_equal(mine[i], j.counts[i], name + ' ' + std::string{to_string(task_state(i))});
      counts[i] += mine[i];
    }
    for (std::uint32_t i = 0; i < j.flows.size(); ++i)
      require_equal(queued[i], j.flows[i]->count, name + " flow " + std::to_string(i));
    require_equal(released, j.released, name + " released");
    require_equal(pinned, j.pinned, name + " pinned");
    require(!j.done || (j.unended() == 0 && !j.open), name + " is done but has tasks left");
    require(j.done || j.open || j.unended() > 0, name + " is over but not done");
    settled_tasks += j.settled ? j.tasks.size() : 0;
    require(j.output.empty() && !j.in_outbox, name + " has unsent results");
  }

  void one_task(const job_record& j, const task_record& r, task_id id) {
    auto name = "task " + to_string(id);
    auto& c = classes[j.templates[r.spec].class_index];
    bool assigned = r.state == task_state::assigned || r.state == task_state::running;
    require(!r.has(task_flag::taken), name + " is between queue and window");
    require(assigned || !(r.has(task_flag::filled) || r.has(task_flag::recalling) ||
                          r.has(task_flag::known_running) || r.has(task_flag::cancelling)),
            name + " has flags of an assigned task");
    require((r.state == task_state::running) == r.has(task_flag::known_running),
            name + " state and flag differ");
    require(!r.has(task_flag::front) || r.state == task_state::ready, name + " front but not ready");
    require(!r.has(task_flag::delayed) || r.state == task_state::waiting, name + " delayed");
    require(!r.has(task_flag::has_result) || r.state == task_state::finished, name + " result");
    if (r.state == task_state::ready) {
      bool suspect = r.has(task_flag::suspect);
      (suspect ? c.suspects : c.ready) += 1;
      suspects += suspect;
      require(!r.extra || r.extra->unmet == 0, name + " is ready with unmet dependencies");
    }
    if (assigned) {
      ++held[r.worker];
      in_window(j, r, id, c);
    }
    if (!is_terminal(r.state)) argument_bytes += weight(r.payload);
    if (r.has(task_flag::has_result)) {
      ++retained;
      if (r.payload.is_heap()) result_bytes += r.payload.size();
      require(s.needed(j, r), name + " keeps a result that nobody needs");
    }
    links_of(r, id, name);
  }

  void links_of(const task_record& r, task_id id, const std::string& name) {
    auto users = used.find(id);
    require_equal(users == used.end() ? 0 : users->second, r.extra ? r.extra->input_users : 0,
                  name + " input users");
    if (!r.extra) return;
    if (r.state == task_state::waiting) {
      std::uint64_t unmet = 0;
      auto count = [&](task_id on) {
        auto h = mutable_s.find(on);
        unmet += !h.record || !is_terminal(h.record->state);
      };
      for (auto on : r.extra->inputs) count(on);
      for (auto on : r.extra->after) count(on);
      require_equal(unmet, r.extra->unmet, name + " unmet");
      require(unmet > 0 || r.has(task_flag::delayed) || r.has(task_flag::held),
              name + " waits for nothing");
    }
    if (is_terminal(r.state))
      require(r.extra->dependents.empty(), name + " is over and its dependents don't know");
    else
      require(r.extra->dependents.size() >= (waited_for.contains(id) ? waited_for.at(id) : 0),
              name + " doesn't know all its dependents");
  }

  void in_window(const job_record& j, const task_record& r, task_id id, class_count& c) {
    auto name = "task " + to_string(id);
    const auto* w = s.workers.find(r.worker);
    require(w != nullptr, name + " is on a worker that is gone");
    if (r.has(task_flag::filled)) {
      ++c.running;
      require(r.position < w->filled.size() && w->filled[r.position].task == id,
              name + " is not where it thinks in " + w->name);
      return;
    }
    ++(r.has(task_flag::known_running) ? c.running : c.ahead);
    const auto& tmpl = j.templates[r.spec];
    auto at = std::find_if(w->lanes.begin(), w->lanes.end(), [&](const lane& l) {
      return l.class_index == tmpl.class_index && l.priority == j.flows[tmpl.flow]->priority;
    });
    require(at != w->lanes.end() && at->tasks[r.position].task == id,
            name + " is not where it thinks in a lane of " + w->name);
  }

  void one_worker(const worker& w) {
    auto room = w.kind->capacity;
    for (const auto& f : w.filled) {
      const auto& need = w.kind->fits[f.class_index].need;
      for (std::size_t i = 0; i < need.size(); ++i) room[i] -= need[i];
    }
    require(room == w.free, w.name + " free resources");
    for (auto a : w.free) require(a >= 0, w.name + " gave more than it has");
    std::uint64_t live = 0, pinned = 0, known = 0;
    for (const auto& l : w.lanes) {
      std::uint64_t in_lane = 0, lane_pinned = 0;
      for (auto i = l.tasks.begin(); i != l.tasks.end(); ++i) {
        if (!l.tasks[i].task.job) continue;
        ++in_lane;
        const auto& r = *mutable_s.find(l.tasks[i].task).record;
        lane_pinned += r.has(task_flag::recalling) || r.has(task_flag::known_running);
        known += r.has(task_flag::known_running);
      }
      require_equal(in_lane, l.live, w.name + " lane");
      require_equal(lane_pinned, l.pinned, w.name + " lane pinned");
      live += in_lane;
      pinned += lane_pinned;
    }
    require_equal(live, w.ahead, w.name + " ahead");
    require_equal(pinned, w.pinned, w.name + " pinned");
    require_equal(known, w.known_ahead, w.name + " known to run ahead");
    require_equal(held.contains(w.id) ? held[w.id] : 0, w.filled.size() + w.ahead, w.name + " window");
    require(!w.dirty && !w.in_outbox, w.name + " has unfinished business");
    require(w.in_open == (w.placeable() && w.free[0] > 0), w.name + " open index");
    require(!w.in_open || w.open_key == w.free, w.name + " open key");
    require(!w.exclusive || w.empty() || w.filled.size() + w.ahead == 1, w.name + " exclusive");
    require(!(w.exclusive && w.empty()), w.name + " is exclusive for nothing");
  }

  void totals() {
    std::uint64_t ahead = 0, pinned = 0, open = 0, reserved = 0;
    std::map<const worker_kind*, std::pair<std::uint32_t, std::uint32_t>> members;
    s.workers.each([&](const worker& w) {
      ahead += w.ahead;
      pinned += w.pinned;
      open += w.in_open;
      reserved += w.reserved;
      ++members[w.kind].first;
      members[w.kind].second += w.counts();
    });
    require_equal(ahead, s.workers.ahead(), "ahead in all");
    require_equal(pinned, s.workers.pinned(), "pinned in all");
    require_equal(open, s.workers.open_workers(), "open workers");
    require_equal(reserved, s.reservations, "reservations");
    for (const auto& k : s.workers.kinds()) {
      require_equal(members[k.get()].first, k->refs, "workers of a kind");
      require_equal(members[k.get()].second, k->placeable, "placeable workers of a kind");
    }
    require_equal(retained, s.retained, "retained results");
    require_equal(result_bytes, s.result_bytes, "result bytes");
    require_equal(argument_bytes, s.argument_bytes, "argument bytes");
    require_equal(suspects, s.suspect_count, "suspects");
    require_equal(settled_tasks, s.kept_detached.tasks + s.kept_seen.tasks, "tasks of settled jobs");
    require(s.result_bytes >= s.spilling_bytes, "more is being spilled than there is");
    std::uint64_t credit = 0;
    for (const auto& [key, session] : s.sessions) credit += session->credit;
    require_equal(credit, s.credit_out, "credit");
  }

  // Every free slot is filled before anything waits or is given ahead.
  void one_class(std::uint32_t i) {
    const auto& c = s.kinds.klass(i);
    auto name = "class of " + s.kinds.function_of(c).key;
    require_equal(classes[i].ready, c.ready, name + " ready");
    require_equal(classes[i].suspects, c.suspects, name + " suspects");
    require_equal(classes[i].ahead, c.ahead, name + " ahead");
    require_equal(classes[i].running, c.running, name + " running");
    require((c.active_index != UINT32_MAX) == (c.ready > 0), name + " active");
    if (c.ready == 0) return;
    s.workers.each([&](const worker& w) {
      if (!w.placeable() || !s.could_run(*w.kind, c)) return;
      const auto& need = mutable_s.fit(*w.kind, i).need;
      require(!fits(w.free, need), name + " has ready tasks while " + w.name + " has room");
    });
  }
};

void core::state::check() const { invariant_check{*this}.run(); }

}  // namespace troupe::scheduler
