// The launches of one pool, each in its phase, with the look-ups and deadlines that belong to them.
// Internal to the pool core; one thread.
//
// Invariants: the indexes, the counts by phase and the deadlines agree with the slots.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "providers/pool_types.hpp"

namespace troupe::providers {

using slot_number = std::uint64_t;  // in the order of launching

struct slot {
  slot_number number = 0;
  request_id request;
  instance_id instance;  // empty until known
  launch_phase phase = launch_phase::requested;
  worker_id worker;
  time_point launched_at{};
  time_point since{};     // in this phase
  time_point known_at{};  // lists asked for later should show it
  std::optional<time_point> deadline;
  bool call_open = false;     // the provider has not answered the launch
  bool takeable = false;      // draining, and may be taken back
  bool told_to_stop = false;  // its worker has been: it can't be wanted again
  bool deliberate = false;    // its end is our doing: nobody is charged
  std::uint8_t missing = 0;   // lists in a row that should have shown it and didn't
  std::string note;
};

inline constexpr std::size_t launch_phase_count = 6;
bool is_legal(launch_phase from, launch_phase to);

class pool_slots {
 public:
  slot& add(request_id request, launch_phase phase, time_point now);
  void erase(slot& s);

  slot* by_request(const request_id& request);
  slot* by_instance(const instance_id& instance);
  slot* by_worker(worker_id worker);

  void move(slot& s, launch_phase to, time_point now);
  void set_instance(slot& s, instance_id instance, time_point now);
  void set_worker(slot& s, worker_id worker);
  void set_deadline(slot& s, std::optional<time_point> when);

  std::uint32_t count(launch_phase p) const { return counts_[static_cast<std::size_t>(p)]; }
  // Terminating ones that nobody has seen an instance of: one may still come to be.
  std::uint32_t unseen_terminating() const { return unseen_; }
  std::optional<time_point> next_deadline() const;
  slot* due(time_point now);  // the one with the earliest passed deadline, or null

  std::map<slot_number, slot>& all() { return slots_; }
  const std::map<slot_number, slot>& all() const { return slots_; }
  bool empty() const { return slots_.empty(); }
  slot_number last_number() const { return next_ - 1; }

  void check_invariants() const;

 private:
  void count(const slot& s, int sign);

  std::map<slot_number, slot> slots_;
  std::unordered_map<request_id, slot_number> requests_;
  std::unordered_map<instance_id, slot_number> instances_;
  std::unordered_map<worker_id, slot_number> workers_;
  std::set<std::pair<time_point, slot_number>> deadlines_;
  std::array<std::uint32_t, launch_phase_count> counts_{};
  std::uint32_t unseen_ = 0;
  slot_number next_ = 1;
};

}  // namespace troupe::providers
