// Which ready task goes to which worker. Each round looks only at workers and classes that changed:
//
//   1. a worker that has room (finished something, joined) takes what is next in the queues;
//   2. classes with new ready tasks look for open workers: so every free slot anywhere is filled;
//   3. only what is left is given ahead, to workers that changed or that ran dry before.
//
// After a round no ready task fits into any open worker; that is what makes the next one cheap.
#include <algorithm>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

constexpr duration no_prefetch_from = std::chrono::seconds{10};
// Twice as many are still less than a worker holds at all.
constexpr std::uint64_t most_ahead = 400'000;
// Less work than this isn't worth a message of its own, the wake-ups at both of its ends, and the cold
// caches of a worker that has slept: 20 µs of the head's time and up to 100 of the worker's.
constexpr duration worth_a_message = std::chrono::microseconds{400};

}  // namespace

const class_fit& core::state::make_fit(worker_kind& k, std::uint32_t class_index) {
  if (k.fits.size() <= class_index) k.fits.resize(kinds.class_count());
  auto& f = k.fits[class_index];
  const auto& c = kinds.klass(class_index);
  const auto& s = kinds.shape_of(c);
  f.known = true;
  f.eligible = (s.pool.empty() || s.pool == k.pool) && k.total.contains(s.resources) &&
               (!c.call || k.knows(kinds.function_of(c).key));
  for (const auto& name : k.names) f.need.push_back(s.resources.get(name));
  f.parallel = f.eligible ? std::max<std::int64_t>(1, times(k.capacity, f.need)) : 0;
  return f;
}

// How many tasks of a class may be taken in a row before other jobs get a turn: at least one.
std::uint64_t core::state::turn(const task_class& c) const {
  auto n = settings.prefetch_time / kinds.usual(c);
  return static_cast<std::uint64_t>(std::max<duration::rep>(1, n));
}

// How many tasks of a class run at once on all workers together.
std::uint64_t core::state::slots_for(std::uint32_t class_index) {
  auto& c = kinds.klass(class_index);
  if (c.slots_version == workers.version()) return c.slots;
  c.slots_version = workers.version();
  c.slots = 0;
  for (const auto& k : workers.kinds())
    if (k->placeable > 0)
      c.slots += k->placeable * static_cast<std::uint64_t>(fit(*k, class_index).parallel);
  return c.slots;
}

void core::state::place() {
  for (std::size_t i = 0; i < dirty.size(); ++i) promote(*dirty[i]);
  if (suspect_count > 0 || reservations > 0 || !suspects.empty()) serve_suspects();
  for (std::size_t i = 0; i < dirty.size(); ++i) refill(*dirty[i]);
  place_arrivals();
  for (std::size_t i = 0; i < dirty.size(); ++i) prefetch(*dirty[i]);
  serve_thirsty();
  outrank();
  steal();
  settle_indexes();
}

// What the worker has started by itself since: the next in its lanes that fit, those it said it
// runs before others.
void core::state::promote(worker& w) {
  if (w.exclusive && w.empty()) w.exclusive = false;
  while (w.known_ahead > 0 && promote_one(w, true)) {
  }
  while (w.ahead > w.pinned && promote_one(w, false)) {
  }
}

bool core::state::promote_one(worker& w, bool known) {
  lane* best = nullptr;
  std::uint32_t best_at = 0;
  for (auto& l : w.lanes) {
    if (best && l.priority < best->priority) break;
    if (l.live == 0 || !fits(w.free, fit(*w.kind, l.class_index).need)) continue;
    auto at = l.tasks.begin();
    auto fitting = [&] {
      if (!l.tasks[at].task.job) return false;  // a hole
      if (l.pinned == 0) return !known;
      const auto& r = *find(l.tasks[at].task).record;
      return r.has(task_flag::known_running) == known && !r.has(task_flag::recalling);
    };
    while (at != l.tasks.end() && !fitting()) ++at;
    if (at == l.tasks.end()) continue;
    if (best && static_cast<std::int32_t>(l.tasks[at].order - best->tasks[best_at].order) > 0)
      continue;
    best = &l;
    best_at = at;
  }
  if (!best) return false;
  auto [id, order] = best->tasks[best_at];
  best->tasks.erase(best_at);
  --best->live;
  workers.add_ahead(w, -1);
  auto& c = kinds.klass(best->class_index);
  if (known) {
    --best->pinned;
    workers.add_pinned(w, -1);
    --w.known_ahead;
  } else {
    --c.ahead;
    ++c.running;
  }
  occupy(w, *find(id).record, id, best->class_index, order);
  return true;
}

// Counts the task against the worker's resources: it runs, as far as can be known.
void core::state::occupy(worker& w, task_record& r, task_id id, std::uint32_t class_index,
                         std::uint32_t order) {
  r.set(task_flag::filled);
  r.position = static_cast<std::uint32_t>(w.filled.size());
  w.filled.push_back({id, class_index, order, now});
  const auto& need = fit(*w.kind, class_index).need;
  for (std::size_t i = 0; i < need.size(); ++i) w.free[i] -= need[i];
}

// Step 1.
void core::state::refill(worker& w) {
  if (!w.placeable()) return workers.reindex_open(w);
  while (w.free[0] > 0) {
    std::optional<ready_queues::choice> best;
    for (auto class_index : ready.active()) {
      const auto& f = fit(*w.kind, class_index);
      if (!f.eligible || !fits(w.free, f.need)) continue;
      auto c = ready.next(class_index);
      if (!c || (best && !c->before(*best))) continue;
      best = c;
    }
    if (!best) break;
    const auto& need = fit(*w.kind, best->class_index).need;
    auto n = std::min(static_cast<std::uint64_t>(times(w.free, need)),
                      turn(kinds.klass(best->class_index)));
    give(w, *best, n, true);
  }
  workers.reindex_open(w);
}

void core::state::give(worker& w, const ready_queues::choice& what, std::uint64_t n, bool fill) {
  taken.clear();
  ready.take(what, n, taken);
  for (const auto& t : taken) {
    stats.wait.observe(now - t.ready_since);
    assign(w, t, fill, false);
  }
  touch(w);
}

// Step 2.
void core::state::place_arrivals() {
  while (workers.open_workers() > 0) {
    std::optional<ready_queues::choice> best;
    for (auto class_index : ready.active()) {
      if (kinds.klass(class_index).blocked) continue;
      auto c = ready.next(class_index);
      if (c && (!best || c->before(*best))) best = c;
    }
    if (!best) return;
    auto& c = kinds.klass(best->class_index);
    auto* w = open_for(best->class_index);
    if (!w) {
      c.blocked = true;
      continue;
    }
    const auto& need = fit(*w->kind, best->class_index).need;
    auto n = settings.spread ? 1 : std::min(static_cast<std::uint64_t>(times(w->free, need)), turn(c));
    give(*w, *best, n, true);
    workers.reindex_open(*w);
  }
}

// Among the kinds that fit, the plainest (nothing that only others need is kept from them); among
// its workers the busiest, or with `spread` the least busy.
worker* core::state::open_for(std::uint32_t class_index) {
  worker* best = nullptr;
  auto better = [&](const worker& w) {
    if (!best) return true;
    auto a = w.kind->names.size(), b = best->kind->names.size();
    if (a != b) return a < b;
    return settings.spread ? w.free[0] > best->free[0] : w.free[0] < best->free[0];
  };
  for (const auto& k : workers.kinds()) {
    if (k->open.empty()) continue;
    const auto& f = fit(*k, class_index);
    if (!f.eligible) continue;
    auto consider = [&](const worker_kind::room::value_type& o) {
      if (!fits(o.first, f.need)) return false;
      if (better(**o.second.begin())) best = *o.second.begin();
      return true;
    };
    if (settings.spread) {
      for (auto i = k->open.rbegin(); i != k->open.rend() && !consider(*i);) ++i;
    } else {
      for (auto i = k->open.lower_bound({f.need[0]}); i != k->open.end() && !consider(*i);) ++i;
    }
  }
  return best;
}

// How many tasks of a class may still be given ahead to the worker: enough to hide a round trip,
// and, near the end of the queue, no more than its share of what is left, if that is worth a message.
std::uint64_t core::state::room_ahead(const worker& w, const class_fit& f,
                                      std::uint32_t class_index, std::int32_t priority) {
  const auto& c = kinds.klass(class_index);
  auto expected = kinds.usual(c);
  if (expected >= no_prefetch_from) return 0;
  auto slots = static_cast<std::uint64_t>(f.parallel);
  auto most = std::min(slots * settings.prefetch_max, most_ahead);
  if (w.ahead >= 2 * most) return 0;
  std::uint64_t count = 0;
  duration time{};
  for (const auto& l : w.lanes) {
    if (l.priority < priority) continue;  // those give way to this one
    count += l.live;
    time += kinds.usual(kinds.klass(l.class_index)) * l.live;
  }
  auto budget = settings.prefetch_time * static_cast<std::int64_t>(slots);
  std::uint64_t by_time = budget > time ? static_cast<std::uint64_t>((budget - time) / expected) : 0;
  auto all = slots_for(class_index);
  auto share = all == 0 ? 1 : (c.ready + all - 1) / all;
  auto least = static_cast<std::uint64_t>(worth_a_message / expected);
  auto target = std::min({std::max(count + by_time, slots), most, std::max(share * slots, least)});
  return target > count ? target - count : 0;
}

// Step 3, for one worker. It is thirsty if the queues ran dry before it had enough.
void core::state::prefetch(worker& w) {
  if (!w.placeable()) return;
  auto this_round = ++round;
  for (;;) {
    std::optional<ready_queues::choice> best;
    bool any = false;
    for (auto class_index : ready.active()) {
      auto& c = kinds.klass(class_index);
      if (!fit(*w.kind, class_index).eligible) continue;
      any = true;
      if (c.excluded == this_round) continue;
      auto next = ready.next(class_index);
      if (next && (!best || next->before(*best))) best = next;
    }
    if (!best) {
      if (!any && !w.thirsty) {
        w.thirsty = true;
        w.kind->thirsty.push_back(w.id);
      }
      return;
    }
    auto& c = kinds.klass(best->class_index);
    const auto& f = fit(*w.kind, best->class_index);
    if (fits(w.free, f.need)) {
      give(w, *best, std::min(static_cast<std::uint64_t>(times(w.free, f.need)), turn(c)), true);
      continue;
    }
    auto room = room_ahead(w, f, best->class_index, best->priority);
    auto n = std::min(room, turn(c));
    if (n > 0) give(w, *best, n, false);
    // Nothing is left of the room; unless the job whose turn it was had less.
    if (room == 0 || (n == room && taken.size() == n)) c.excluded = this_round;
  }
}

bool core::state::kind_is_wanted(worker_kind& k) {
  return std::any_of(ready.active().begin(), ready.active().end(),
                     [&](auto class_index) { return fit(k, class_index).eligible; });
}

// Step 3, for workers that would have taken more before, when there was nothing.
void core::state::serve_thirsty() {
  for (const auto& k : workers.kinds()) {
    while (!k->thirsty.empty() && kind_is_wanted(*k)) {
      auto* w = workers.find(k->thirsty.front());
      k->thirsty.pop_front();
      if (!w || !w->thirsty || w->kind != k.get()) continue;
      w->thirsty = false;
      prefetch(*w);
    }
  }
}

void core::state::settle_indexes() {
  for (auto* w : dirty) {
    w->dirty = false;
    workers.reindex_open(*w);
    workers.reindex_rich(*w, w->connected ? ahead_ns(*w) : 0);
    if (w->empty()) {
      if (w->was_busy) w->idle_since = now;
      check_drained(*w);
    }
    w->was_busy = !w->empty();
  }
  dirty.clear();
}

}  // namespace troupe::scheduler
