// From what a pool has and what its work would use to the size it should have: stabilisation,
// min and max, rate limits, and the choice of workers. Internal to the policy.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "autoscaler/caps.hpp"
#include "autoscaler/decision.hpp"
#include "autoscaler/history.hpp"
#include "autoscaler/placement.hpp"
#include "autoscaler/settings.hpp"
#include "libruntime/snapshot.hpp"

namespace troupe::autoscaler {

// Everything about one pool at one moment. Pointers are into the caller's arguments.
struct pool_facts {
  const pool_policy* policy = nullptr;
  const pool_status* status = nullptr;   // never null after finish()
  std::vector<const worker_load*> idle;  // ready and without any task
  std::vector<const worker_load*> busy;  // ready and with tasks
  std::uint32_t held = 0;                // cordoned or disconnected: there, and not usable now
  std::uint32_t registered = 0;          // as the manager or the scheduler says, whoever knows more
  std::uint32_t pending = 0;  // will be usable: launching, or registered and not yet seen
  std::uint32_t current = 0;  // registered and launching
  std::uint32_t min = 0;      // of the decision: both are the size, where one is set
  std::uint32_t max = unlimited;
  std::optional<std::uint32_t> own_max;  // of the pool
  std::optional<std::uint32_t> scheduled;  // the schedule's minimum, now
  std::uint32_t room = 0;
  std::uint32_t launchable = 0;
  std::uint32_t reserved = 0;  // places in the shared room, for its minimum
  shared_cap capped{};         // what lowered min or max
  std::uint32_t allotted = unlimited;  // launches that the shared room has for it
  bool fixed = false;  // its size is set, whatever the demand
  bool more_to_come = false;  // tasks wait for others
  bool alone = true;   // no other pool wants what it leaves of the limits of all
  bool backing_off = false;

  void see(const worker_load& w);
  void finish(time_point now, const surroundings& around);
};

// Numbers between the steps, for the explanation.
struct sizing {
  pool_decision out;
  std::uint32_t stabilized = 0;
  std::uint32_t limited = 0;     // after min and max
  std::uint32_t rated = 0;       // after rate limits and pauses
  std::uint32_t idle_ready = 0;  // idle for the idle timeout
  duration longest_idle{};       // of any worker
  std::uint32_t forced = 0;      // over the maximum: drained whether idle or not
  std::uint32_t blocked = 0;     // wanted, and can't be launched now
  shared_cap capped{};           // what all pools together may have kept it from launching
  bool tolerated = false;
  bool rate_limited = false;
  bool paused = false;
  bool cooling = false;  // the last worker stays for the cooldown
};

// How long a small shortage must last to be met.
duration small_shortage_lasts(const scaling_settings& s);

// `room` is what the placement and the signals left of the shared one.
sizing size_pool(time_point now, const pool_facts& f, const pool_use& use, const shared_room& room,
                 pool_memory& memory);

}  // namespace troupe::autoscaler
