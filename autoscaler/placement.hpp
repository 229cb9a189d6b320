// The what-if placement: where would the waiting tasks go if every pool could grow to its maximum?
//
// Tasks are placed by groups and workers by classes of equal ones, so that the cost grows with
// shapes × classes and never with tasks. A worker is a bin whose content is resources × time: over
// a horizon (the pool's target duration) a task of length e takes min(e, horizon) / horizon of each
// resource it asks for. A task longer than the horizon so takes its slot for all of it, which
// bounds the workers by the slots that tasks need; short ones are packed by their work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autoscaler/caps.hpp"
#include "autoscaler/decision.hpp"
#include "autoscaler/settings.hpp"
#include "autoscaler/sums.hpp"
#include "libruntime/snapshot.hpp"

namespace troupe::autoscaler {

// What one pool brings into a placement.
struct placement_pool {
  const pool_policy* policy = nullptr;
  std::uint32_t pending = 0;  // requested, booting, or registered and not yet seen by the scheduler
  std::uint32_t takeable = 0;    // draining ones that can be taken back
  std::uint32_t room = 0;        // workers it could launch before its max; `unlimited`: any number
  std::uint32_t launchable = 0;  // … and now: 0 while it backs off or is paused, 1 while it probes
  std::uint32_t reserved = 0;    // places of the shared room that are its own already
};

// What the placement made of it.
struct pool_use {
  std::uint32_t busy = 0;       // workers with running tasks
  std::uint32_t idle_used = 0;  // idle ones that got work
  std::uint32_t pending_used = 0;
  std::uint32_t takeable_used = 0;
  std::uint32_t fresh = 0;    // workers it would launch
  std::uint32_t blocked = 0;  // … and would like to, if it could: no other pool can now
  std::uint32_t beyond = 0;   // … and would like beyond its maximum, or that of all pools
  // What signals ask for beyond all that; see signal_demand.hpp.
  std::uint32_t for_signals = 0;
  std::uint32_t allotted = 0;             // … of it to be launched now
  std::uint32_t blocked_for_signals = 0;  // … that can't be
  std::string signal;                     // that asks for most

  std::uint32_t missing() const { return fresh + blocked; }
  std::uint32_t workers() const {
    return busy + idle_used + pending_used + takeable_used + missing();
  }
  // With `held` workers that exist and can't be used now.
  std::uint32_t queue(std::uint32_t held) const { return plus(workers() + held, beyond); }
  std::uint32_t wanted(std::uint32_t held) const { return plus(queue(held), for_signals); }
};

struct placement {
  std::vector<pool_use> pools;  // in the order of the input
  std::vector<unplaced_demand> unplaced;
  double work_seconds = 0;  // expected, of everything waiting and running
};

// How long the work may take in workers that exist: the target duration, or that plus the pool's
// tolerance.
enum class horizon_of_existing : std::uint8_t { exact, tolerant };

placement place(const load_snapshot& load, const std::vector<placement_pool>& pools,
                shared_room room, horizon_of_existing existing);

}  // namespace troupe::autoscaler
