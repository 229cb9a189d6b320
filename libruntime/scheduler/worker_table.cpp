#include "libruntime/scheduler/worker_table.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace troupe::scheduler {

bool fits(const amounts& room, const amounts& need) {
  for (std::size_t i = 0; i < need.size(); ++i)
    if (room[i] < need[i]) return false;
  return true;
}

std::int64_t times(const amounts& room, const amounts& need) {
  auto n = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < need.size(); ++i)
    if (need[i] > 0) n = std::min(n, room[i] / need[i]);
  return n;
}

bool worker_kind::knows(const std::string& function) const {
  return std::binary_search(functions.begin(), functions.end(), function);
}

lane& worker::lane_for(std::uint32_t class_index, std::int32_t priority) {
  for (auto& l : lanes)
    if (l.class_index == class_index && l.priority == priority) return l;
  if (lanes.size() >= 8) std::erase_if(lanes, [](const lane& l) { return l.live == 0; });
  auto at = std::find_if(lanes.begin(), lanes.end(),
                         [&](const lane& l) { return l.priority < priority; });
  at = lanes.insert(at, lane{});
  at->class_index = class_index;
  at->priority = priority;
  return *at;
}

worker& worker_table::add(worker_id id, const protocol::register_worker& info) {
  auto& owned = workers_[id];
  owned = std::make_unique<worker>();
  auto& w = *owned;
  w.id = id;
  w.incarnation = info.incarnation;
  w.name = info.name.empty() ? "worker-" + std::to_string(id.value) : info.name;
  w.host = info.host;
  w.pid = info.pid;
  w.slots = info.slots;
  w.memory_limit = info.memory;
  w.kind = &kind_of(info);
  w.free = w.kind->capacity;
  ++w.kind->refs;
  ++version_;
  return w;
}

worker_kind& worker_table::kind_of(const protocol::register_worker& info) {
  auto total = info.resources;
  if (total.get("cpus") == 0) total.set("cpus", amount{info.slots} * one_unit);
  auto functions = info.functions;
  std::sort(functions.begin(), functions.end());
  worker_kind* unused = nullptr;
  for (auto& k : kinds_) {
    if (k->pool == info.pool && k->total == total && k->functions == functions) return *k;
    if (k->refs == 0) unused = k.get();
  }
  if (!unused) unused = kinds_.emplace_back(std::make_unique<worker_kind>()).get();
  *unused = worker_kind{};
  auto& k = *unused;
  k.pool = info.pool;
  k.total = total;
  k.functions = std::move(functions);
  k.names.push_back("cpus");
  k.capacity.push_back(total.get("cpus"));
  for (const auto& [name, a] : total.entries()) {
    if (name == "cpus") continue;
    k.names.push_back(name);
    k.capacity.push_back(a);
  }
  return k;
}

std::unique_ptr<worker> worker_table::erase(worker& w) {
  unindex(w);
  ahead_ -= w.ahead;
  pinned_ -= w.pinned;
  --w.kind->refs;
  ++version_;
  auto owned = std::move(workers_.at(w.id));
  workers_.erase(w.id);
  return owned;
}

void worker_table::count_placeable(worker& w) {
  bool counts = w.counts();
  if (counts == w.counted) return;
  w.counted = counts;
  w.kind->placeable += counts ? 1 : -1;
  ++version_;
}

void worker_table::reindex_open(worker& w) {
  bool wanted = w.placeable() && w.free[0] > 0;
  if (w.in_open && wanted && w.open_key == w.free) return;
  if (w.in_open) {
    auto at = w.kind->open.find(w.open_key);
    at->second.erase(&w);
    if (at->second.empty()) w.kind->open.erase(at);
    w.in_open = false;
    --open_;
  }
  if (!wanted) return;
  w.kind->open[w.free].insert(&w);
  w.open_key = w.free;
  w.in_open = true;
  ++open_;
}

void worker_table::reindex_rich(worker& w, std::uint64_t ns) {
  auto bucket = static_cast<std::uint8_t>(ns == 0 ? 0 : std::bit_width(ns) - 1);
  if (bucket == w.rich_bucket) return;
  auto& kind = *w.kind;
  if (w.rich_bucket != 0) {
    auto& list = kind.rich[w.rich_bucket];
    list.back()->rich_index = w.rich_index;
    std::swap(list[w.rich_index], list.back());
    list.pop_back();
    if (list.empty()) kind.rich_mask &= ~(std::uint64_t{1} << w.rich_bucket);
  }
  w.rich_bucket = bucket;
  if (bucket == 0) return;
  auto& list = kind.rich[bucket];
  w.rich_index = static_cast<std::uint32_t>(list.size());
  list.push_back(&w);
  kind.rich_mask |= std::uint64_t{1} << bucket;
}

void worker_table::unindex(worker& w) {
  bool was = w.connected;
  w.connected = false;
  reindex_open(w);
  reindex_rich(w, 0);
  if (w.counted) {
    w.counted = false;
    --w.kind->placeable;
    ++version_;
  }
  w.connected = was;
}

std::vector<worker*> worker_table::sorted() {
  std::vector<worker*> out;
  out.reserve(workers_.size());
  for (auto& [id, w] : workers_) out.push_back(w.get());
  std::sort(out.begin(), out.end(), by_worker_id{});
  return out;
}

std::vector<const worker*> worker_table::sorted() const {
  auto mine = const_cast<worker_table*>(this)->sorted();
  return {mine.begin(), mine.end()};
}

}  // namespace troupe::scheduler
