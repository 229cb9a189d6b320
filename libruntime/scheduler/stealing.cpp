// Taking back what was given ahead: for workers that run dry, for drains, for suspects. Only tasks
// that have not started are asked back, and the worker has the last word about that.
#include <algorithm>
#include <bit>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

// Work that will start sooner than this where it is isn't worth a round trip.
constexpr duration worth_moving = std::chrono::milliseconds{2};
// A task is not taken to run longer than expected before so long: where many workers share few cores the
// reports of short ones are late by milliseconds. What runs for 20 ms is mostly announced by then.
constexpr duration heard_of_by = std::chrono::milliseconds{25};
// While slots are free and work lies ahead elsewhere: when to look again, because a task that
// runs longer than expected makes waiting behind it worse.
constexpr duration look_again = std::chrono::milliseconds{10};
// Bounds what one round spends on looking.
constexpr int victims_a_round = 32;

}  // namespace

std::uint64_t core::state::recall_lane(worker& w, lane& l, std::uint64_t n) {
  std::uint64_t asked = 0;
  // From the end: those would start last.
  for (auto i = l.tasks.end(); i != l.tasks.begin() && asked < n && l.pinned < l.live;) {
    --i;
    auto id = l.tasks[i].task;
    if (!id.job) continue;
    auto& r = *find(id).record;
    if (r.has(task_flag::recalling) || r.has(task_flag::known_running) ||
        r.has(task_flag::cancelling))
      continue;
    r.set(task_flag::recalling);
    ++l.pinned;
    workers.add_pinned(w, 1);
    w.recalls.push_back({id, r.attempt});
    ++asked;
  }
  if (asked > 0) {
    speak(w);
    touch(w);
  }
  return asked;
}

// Everything not known to run, what is presumed to run too: the worker knows better, and answers.
void core::state::recall_unstarted(worker& w) {
  for (auto& l : w.lanes) recall_lane(w, l, UINT64_MAX);
  for (const auto& f : w.filled) {
    auto& r = *find(f.task).record;
    if (r.has(task_flag::recalling) || r.has(task_flag::known_running) ||
        r.has(task_flag::cancelling))
      continue;
    r.set(task_flag::recalling);
    w.recalls.push_back({f.task, r.attempt});
    speak(w);
  }
}

// Expected time of what could be asked back.
std::uint64_t core::state::ahead_ns(const worker& w) const {
  std::uint64_t ns = 0;
  for (const auto& l : w.lanes)
    ns += std::uint64_t{l.live - l.pinned} *
          static_cast<std::uint64_t>(kinds.expected(kinds.klass(l.class_index)).count());
  return ns;
}

// How long until the worker has done all it holds, by what is known now. A task that has run much
// longer than expected is expected to need as long again.
duration core::state::wait_behind(const worker& w) const {
  duration sum{};
  std::int64_t parallel = 1;
  for (const auto& f : w.filled) {
    auto elapsed = now - f.since;
    auto expected = kinds.expected(kinds.klass(f.class_index));
    if (elapsed < expected) sum += expected - elapsed;
    else if (elapsed >= heard_of_by) sum += elapsed;
  }
  for (const auto& l : w.lanes) {
    sum += kinds.expected(kinds.klass(l.class_index)) * l.live;
    if (l.live > 0 && l.class_index < w.kind->fits.size())
      parallel = std::max(parallel, w.kind->fits[l.class_index].parallel);
  }
  return sum / std::max<std::int64_t>({parallel, 1, static_cast<std::int64_t>(w.filled.size())});
}

// Asks `victim` for up to `wanted` tasks that some open worker of `thief` has room for.
std::uint64_t core::state::recall_from(worker& victim, worker_kind& thief, std::uint64_t wanted) {
  if (wait_behind(victim) < worth_moving) return 0;
  std::uint64_t asked = 0;
  for (auto l = victim.lanes.rbegin(); l != victim.lanes.rend() && asked < wanted; ++l) {
    auto movable = l->live - std::min(l->live, l->pinned);
    if (movable == 0) continue;
    const auto& f = fit(thief, l->class_index);
    if (!f.eligible) continue;
    bool room = std::any_of(thief.open.begin(), thief.open.end(),
                            [&](const auto& o) { return fits(o.first, f.need); });
    if (!room) continue;
    // Half of it at most, so that two that take from each other come to rest.
    asked += recall_lane(victim, *l, std::min<std::uint64_t>(wanted - asked, (movable + 1) / 2));
  }
  return asked;
}

// Ready tasks of a higher priority than what waits in windows go there too, however full those are:
// the worker runs them first. Only new arrivals look, and only at a few workers.
void core::state::outrank() {
  if (newly_ready <= newly_filled || ready.priorities() < 2) return;
  int tried = 0;
  for (std::size_t i = 0; i < ready.active().size(); ++i) {
    auto class_index = ready.active()[i];
    for (const auto& k : workers.kinds()) {
      if (k->rich_mask == 0 || !fit(*k, class_index).eligible) continue;
      for (const auto& bucket : k->rich)
        for (auto* w : bucket) {
          auto what = ready.next(class_index);
          if (!what || ++tried > victims_a_round) return;
          bool outranks = std::any_of(w->lanes.begin(), w->lanes.end(), [&](const lane& l) {
            return l.live > l.pinned && l.priority < what->priority;
          });
          if (!outranks || !w->placeable()) continue;
          auto n = room_ahead(*w, fit(*k, class_index), class_index, what->priority);
          if (n > 0) give(*w, *what, std::min(n, turn(kinds.klass(class_index))), false);
          // The class is gone from the list of active ones when it gave its last.
          if (i >= ready.active().size() || ready.active()[i] != class_index) return;
        }
    }
  }
}

// Free slots and an empty queue: those with the most work ahead share it.
void core::state::steal() {
  if (workers.open_workers() == 0 || workers.ahead() <= workers.pinned()) return;
  int tried = 0;
  for (const auto& thief : workers.kinds()) {
    std::uint64_t free = 0;
    for (const auto& [room, list] : thief->open)
      free += list.size() * static_cast<std::uint64_t>(std::max<amount>(1, room[0] / one_unit));
    if (free == 0) continue;
    // A fair share of all that lies ahead, at least one task a slot; less what is on its way.
    std::uint64_t slots = 0;
    for (const auto& k : workers.kinds())
      slots += k->placeable * static_cast<std::uint64_t>(std::max<amount>(1, k->capacity[0] / one_unit));
    auto wanted = std::max(free, workers.ahead() * free / std::max<std::uint64_t>(1, slots));
    wanted -= std::min(wanted, workers.pinned());
    for (int bucket = worker_kind::buckets - 1; bucket > 0 && wanted > 0; --bucket) {
      for (const auto& k : workers.kinds()) {
        if ((k->rich_mask >> bucket & 1) == 0) continue;
        // The list may change only at the end of the round, in settle_indexes.
        for (auto* victim : k->rich[bucket]) {
          if (wanted == 0 || ++tried > victims_a_round) break;
          if (!victim->lost()) wanted -= recall_from(*victim, *thief, wanted);
        }
      }
    }
  }
  if (workers.ahead() > workers.pinned() && !steal_timer) {
    steal_timer = true;
    timers.add(now + look_again, timer_kind::steal, 0);
  }
}

}  // namespace troupe::scheduler
