// The load snapshot: from counters that are kept as tasks move, so that its cost is the number of
// classes and workers.
#include <algorithm>
#include <map>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

worker_load load_of(const worker& w) {
  worker_load out;
  out.id = w.id;
  out.name = w.name;
  out.pool = w.kind->pool;
  out.host = w.host;
  out.pid = w.pid;
  out.state = w.state();
  out.slots = w.slots;
  out.running = static_cast<std::uint32_t>(w.filled.size());
  out.window = out.running + w.ahead;
  out.resources = w.kind->total;
  out.free.emplace();
  for (std::size_t i = 0; i < w.kind->names.size(); ++i)
    out.free->set(w.kind->names[i], std::max<amount>(w.free[i], 0));
  out.idle_since = w.idle_since;
  out.registered_at = w.registered_at;
  out.last_heard = w.last_heard;
  out.memory_used = w.memory_used;
  out.memory_limit = w.memory_limit;
  out.instance = w.instance;
  return out;
}

}  // namespace

load_snapshot core::state::load(time_point t) const {
  load_snapshot out;
  out.now = t;
  out.tasks = counts;
  out.retained_results = retained;
  out.result_bytes = result_bytes;
  out.wait = stats.wait;
  std::vector<std::size_t> position;
  out.shapes = kinds.dense_shapes(position);
  for (std::uint32_t i = 0; i < kinds.class_count(); ++i) {
    const auto& c = kinds.klass(i);
    if (c.refs == 0 || c.ready + c.suspects + c.ahead == 0) continue;
    auto& g = out.demand.emplace_back();
    g.shape = position[c.shape];
    g.function = kinds.function_of(c).key;
    g.ready = c.ready + c.suspects;
    g.assigned = c.ahead;
    g.expected = kinds.expected(c);
    g.measured = kinds.function_of(c).measured;
    g.oldest_ready = ready.oldest(i).value_or(t);
    for (const auto* p : pools_for(c)) g.pools.push_back(p->name);
    for (const auto& k : workers.kinds())  // pools that nobody announced
      if (k->refs > 0 && i < k->fits.size() && k->fits[i].eligible &&
          std::find(g.pools.begin(), g.pools.end(), k->pool) == g.pools.end())
        g.pools.push_back(k->pool);
  }
  std::map<std::uint32_t, running_group> running;
  for (const auto* w : workers.sorted()) {
    auto& row = out.workers.emplace_back(load_of(*w));
    duration sum{};
    for (const auto& f : w->filled) {
      const auto& c = kinds.klass(f.class_index);
      auto expected = kinds.expected(c);
      auto elapsed = t - f.since;
      auto& g = running[c.function];
      g.function = kinds.function_of(c).key;
      g.expected = expected;
      g.elapsed = std::max(g.elapsed, elapsed);
      ++g.count;
      // Past its expected time, a task is taken to need as long again as it is late.
      sum += elapsed < expected ? expected - elapsed : elapsed - expected;
    }
    for (const auto& l : w->lanes) sum += kinds.expected(kinds.klass(l.class_index)) * l.live;
    row.remaining = sum / std::max<std::uint32_t>(1, w->slots);
  }
  for (auto& [function, g] : running) out.running.push_back(std::move(g));
  // A function that nobody has seen end is at least as long as it has been running.
  for (auto& g : out.demand)
    for (const auto& r : out.running)
      if (!g.measured && r.function == g.function) g.expected = std::max(g.expected, r.elapsed);
  return out;
}

}  // namespace troupe::scheduler
