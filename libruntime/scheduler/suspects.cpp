// Suspects: tasks under which a worker died. Each runs alone on an otherwise empty worker, so that
// whose fault it is becomes clear and no neighbour is charged again. Where no worker is empty, one
// is reserved: it gets nothing new, gives back what hasn't started, and runs dry.
#include <algorithm>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {

void core::state::add_suspect(job_record& j, task_record& r, task_id id) {
  suspects.push_back(id);
  ++suspect_count;
  ++class_of(j, r).suspects;
}

void core::state::drop_suspect(job_record& j, task_record& r) {
  --suspect_count;
  --class_of(j, r).suspects;
}

void core::state::serve_suspects() {
  constexpr std::size_t looked_at = 256;  // in one round
  std::deque<task_id> later;
  bool may_reserve = true;
  for (std::size_t n = 0; n < looked_at && !suspects.empty(); ++n) {
    auto id = suspects.front();
    suspects.pop_front();
    auto h = find(id);
    if (!h.record || h.record->state != task_state::ready || !h.record->has(task_flag::suspect))
      continue;  // cancelled meanwhile
    auto class_index = h.owner->templates[h.record->spec].class_index;
    if (auto* w = empty_for(class_index)) {
      drop_suspect(*h.owner, *h.record);
      if (w->reserved) unreserve(*w);
      w->exclusive = true;
      assign(*w, h, true, true);
      workers.reindex_open(*w);
      touch(*w);
      continue;
    }
    later.push_back(id);
    auto most = std::min<std::uint64_t>(std::max<std::uint64_t>(1, workers.size() / 4), suspect_count);
    if (may_reserve && (reservations >= most || !reserve_for(class_index))) may_reserve = false;
  }
  suspects.insert(suspects.begin(), later.begin(), later.end());
  // One that ran dry and that no suspect could use, or that none is left for.
  if (reservations == 0) return;
  workers.each([&](worker& w) {
    if (w.reserved && (w.empty() || suspect_count == 0)) unreserve(w);
  });
}

// A worker that holds nothing and could run the class: reserved ones first.
worker* core::state::empty_for(std::uint32_t class_index) {
  // Those that ran dry, or joined, in this round are in no index yet.
  worker* fresh = nullptr;
  for (auto* w : dirty) {
    if (!w->empty() || !w->counts() || !fit(*w->kind, class_index).eligible) continue;
    if (w->reserved) return w;
    if (w->placeable()) fresh = w;
  }
  if (fresh) return fresh;
  for (const auto& k : workers.kinds()) {
    if (k->refs == 0 || !fit(*k, class_index).eligible) continue;
    auto whole = k->open.find(k->capacity);
    if (whole == k->open.end()) continue;
    for (auto* w : whole->second)
      if (w->empty() && w->placeable()) return w;
  }
  return nullptr;
}

// The eligible worker that will be empty first.
bool core::state::reserve_for(std::uint32_t class_index) {
  worker* best = nullptr;
  duration best_wait{};
  workers.each([&](worker& w) {
    if (!w.placeable() || !fit(*w.kind, class_index).eligible) return;
    auto wait = wait_behind(w);
    if (best && std::pair{wait, w.id} >= std::pair{best_wait, best->id}) return;
    best = &w;
    best_wait = wait;
  });
  if (!best) return false;
  best->reserved = true;
  ++reservations;
  recall_unstarted(*best);
  workers.reindex_open(*best);
  touch(*best);
  return true;
}

void core::state::unreserve(worker& w) {
  w.reserved = false;
  --reservations;
  touch(w);
}

}  // namespace troupe::scheduler
