// Workers as the scheduler core sees them: what each could run at once (`filled`: counted against
// its resources and presumed to run), what it has been given ahead (lanes), and the indexes that
// make placement independent of the number of workers.
//
// Workers of one pool, with the same resources and functions, are one *kind*: whether a task class
// can run on a worker is decided once a kind. Each kind keeps its workers with free room ordered by
// that room, and those with work to give away by how much.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "libruntime/protocol/messages.hpp"
#include "libruntime/scheduler/window.hpp"
#include "libruntime/snapshot.hpp"

namespace troupe::scheduler {

struct worker_kind;
using amounts = std::vector<amount>;  // in the order of a kind's `names`; cpus first

struct worker {
  worker_id id;
  std::uint64_t incarnation = 0;
  std::string name, host, instance;
  std::uint32_t pid = 0, slots = 0;
  std::uint64_t memory_limit = 0, memory_used = 0;
  worker_kind* kind = nullptr;

  // The state in the head's eyes is these, in this order: disconnected, draining, cordoned, ready.
  bool connected = true;    // has a link
  bool silent = false;      // has one, but no heartbeat came for too long
  bool draining = false;
  bool cordoned = false;
  bool drain_told = false;  // drain_complete was sent
  bool drain_pending = false;  // protocol::drain is to be sent
  bool was_busy = false;    // held something after the last round
  bool stalled = false;     // starts nothing of what it holds
  bool exclusive = false;   // runs a suspect and nothing else
  bool reserved = false;    // runs dry for a suspect
  bool unstarted_returned = false;  // disconnected so long that what hadn't started was taken back

  amounts free;                      // total less what `filled` uses
  std::vector<filled_entry> filled;  // in no order
  std::vector<lane> lanes;           // by falling priority
  std::uint32_t ahead = 0;           // tasks in lanes
  std::uint32_t pinned = 0;          // of those, asked back or known to run
  std::uint32_t known_ahead = 0;     // of those in lanes, the ones it said it runs
  std::uint32_t next_order = 0;

  std::uint64_t last_number = 0;  // of the `finished` batches
  std::uint64_t unacked = 0;      // of those, not acknowledged yet
  std::uint64_t unacked_bytes = 0;
  time_point registered_at{}, last_heard{}, lost_since{}, idle_since{};
  std::string drain_reason;

  // Where it stands in its kind's indexes.
  bool dirty = false, thirsty = false, counted = false;
  bool in_open = false;
  amounts open_key;
  std::uint8_t rich_bucket = 0;
  std::uint32_t rich_index = 0;

  // What goes out at the end of this handle() call.
  bool in_outbox = false;
  std::vector<std::uint32_t> templates_known;  // version sent, by catalog index
  std::vector<std::uint32_t> new_templates;
  std::vector<protocol::assignment> assigns;
  std::size_t usual_assigns = 0;  // of the last round: room to reserve
  std::vector<protocol::attempt_reference> recalls;
  std::vector<std::pair<protocol::attempt_reference, std::string>> cancels;

  void hush() {  // there is no link to say it on
    in_outbox = drain_pending = false;
    templates_known.clear();
    new_templates.clear();
    assigns.clear();
    recalls.clear();
    cancels.clear();
  }
  bool lost() const { return !connected || silent; }
  // Whether its slots count as ones that take tasks, now or when a suspect is done with it.
  bool counts() const { return !lost() && !draining && !cordoned && !stalled; }
  bool placeable() const {
    return counts() && !exclusive && !reserved;
  }
  bool empty() const { return filled.empty() && ahead == 0; }
  // Made where there is none; lanes that are empty are given up when there are many.
  lane& lane_for(std::uint32_t class_index, std::int32_t priority);
  worker_state state() const {
    if (lost()) return worker_state::disconnected;
    if (draining) return worker_state::draining;
    return cordoned ? worker_state::cordoned : worker_state::ready;
  }
};

struct class_fit {
  bool known = false;
  bool eligible = false;
  std::int64_t parallel = 0;  // how many run at once on an empty worker
  amounts need;
};

struct by_worker_id {
  bool operator()(const worker* a, const worker* b) const { return a->id < b->id; }
};

struct worker_kind {
  std::string pool;
  resource_set total;
  std::vector<std::string> functions;  // sorted
  std::vector<std::string> names;      // of resources
  amounts capacity;
  std::uint32_t refs = 0;       // workers of this kind
  std::uint32_t placeable = 0;  // of those, the ones that take tasks
  std::vector<class_fit> fits;  // by class, filled in on demand

  using room = std::map<amounts, std::set<worker*, by_worker_id>>;
  room open;                      // placeable, with cpus free
  std::deque<worker_id> thirsty;  // would have taken more when the queues ran dry
  static constexpr std::size_t buckets = 64;
  std::array<std::vector<worker*>, buckets> rich;  // by log2 of the expected ns they could give
  std::uint64_t rich_mask = 0;                     // which buckets have workers

  bool knows(const std::string& function) const;
};

class worker_table {
 public:
  worker* find(worker_id id) {
    auto i = workers_.find(id);
    return i == workers_.end() ? nullptr : i->second.get();
  }
  const worker* find(worker_id id) const { return const_cast<worker_table*>(this)->find(id); }
  worker& add(worker_id id, const protocol::register_worker& info);
  std::unique_ptr<worker> erase(worker& w);
  std::size_t size() const { return workers_.size(); }

  // Brings the indexes in line with the worker's state; after anything about it has changed.
  void reindex_open(worker& w);
  void reindex_rich(worker& w, std::uint64_t ns);
  void unindex(worker& w);
  void count_placeable(worker& w);

  const std::vector<std::unique_ptr<worker_kind>>& kinds() const { return kinds_; }
  std::uint64_t version() const { return version_; }  // of which workers there are
  std::uint32_t open_workers() const { return open_; }
  std::uint64_t ahead() const { return ahead_; }
  std::uint64_t pinned() const { return pinned_; }
  void add_ahead(worker& w, std::int64_t n) {
    w.ahead += static_cast<std::uint32_t>(n);
    ahead_ += static_cast<std::uint64_t>(n);
  }
  void add_pinned(worker& w, std::int64_t n) {
    w.pinned += static_cast<std::uint32_t>(n);
    pinned_ += static_cast<std::uint64_t>(n);
  }

  std::vector<worker*> sorted();
  std::vector<const worker*> sorted() const;
  template <class F>
  void each(F f) const {
    for (const auto& [id, w] : workers_) f(*w);
  }

 private:
  worker_kind& kind_of(const protocol::register_worker& info);

  std::unordered_map<worker_id, std::unique_ptr<worker>> workers_;
  std::vector<std::unique_ptr<worker_kind>> kinds_;
  std::uint64_t version_ = 1;
  std::uint32_t open_ = 0;
  std::uint64_t ahead_ = 0, pinned_ = 0;
};

bool fits(const amounts& room, const amounts& need);
std::int64_t times(const amounts& room, const amounts& need);

}  // namespace troupe::scheduler
