// The inputs of a decision that don't come from the scheduler, and the record of a decision: what
// went in, the number after each step, the actions chosen and why, in words. Pure data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/signals.hpp"
#include "libruntime/ids.hpp"
#include "libruntime/time.hpp"

namespace troupe::autoscaler {

// A pool that can't launch for now.
struct pool_backoff {
  time_point until{};
  std::string reason;          // with the exit status and the last lines of stderr where known
  std::uint32_t failures = 0;  // starts that failed in a row
};

// A pool as its cluster manager sees it.
struct pool_status {
  std::string name;
  std::uint32_t target = 0;
  std::uint32_t requested = 0;   // asked of the provider, no instance known yet
  std::uint32_t booting = 0;     // an instance is known, its worker has not registered
  std::uint32_t registered = 0;  // workers that serve (draining ones not counted)
  std::uint32_t draining = 0;
  std::uint32_t terminating = 0;    // told to stop, not confirmed gone
  std::vector<worker_id> takeable;  // draining ones that may be taken back, best first
  std::optional<pool_backoff> backoff;
  bool probing = false;  // after failures: one launch at a time until one succeeds

  std::uint32_t launching() const { return requested + booting; }
};

enum class direction : std::uint8_t { none, up, down };

// Why a pool is at the size it is; a label of metrics, so the list is short and closed.
enum class cause : std::uint8_t {
  steady,        // it fits the demand
  demand,        // waiting work needs more
  signal,        // a signal asks for more
  minimum,       // min was not met
  scheduled,     // … where the schedule sets it
  maximum,       // more is wanted than max allows
  total,         // … than all pools together may have
  budget,        // … than the budget allows
  manual,        // somebody set the size
  idle,          // workers without work for their idle timeout
  surplus,       // launches that are no longer needed
  waiting_idle,  // fewer would do; the idle timeout or stabilisation window is not over
  busy,          // fewer would do, but every worker is at work
  cooldown,      // the last worker stays for a while after the last work
  tolerance,     // more is wanted, by less than the tolerance
  stabilizing,   // more is wanted, not for the whole stabilisation window
  rate_limited,  // the step or rate limit allows less
  backing_off,   // launches fail; tried again later
  paused,
};

std::string_view to_string(direction d);  // "up"
std::string_view to_string(cause c);      // "waiting_idle"

// One number after one step of the policy, in the order in which they were computed.
struct step {
  std::string_view name;  // a literal: "what-if", "stabilized", "min/max", …
  double number = 0;      // workers
};

struct pool_decision {
  std::string pool;
  // What there was.
  std::uint32_t registered = 0;
  std::uint32_t launching = 0;
  std::uint32_t draining = 0;
  std::uint32_t idle = 0;  // registered, without any task
  std::uint32_t min = 0;
  std::optional<std::uint32_t> max;
  double idle_seconds = 0;                     // of the one that has been idle longest
  std::uint32_t queue = 0;                     // workers that the queue alone would use
  std::uint32_t blocked = 0;                   // … that can't be launched for now
  std::uint32_t for_signals = 0;               // … beyond those, that signals ask for
  std::string signal;                          // the one that asks for most of these
  std::optional<std::uint32_t> scheduled_min;  // of the schedule, now
  std::optional<pool_backoff> backoff;
  bool probing = false;
  // What came out.
  std::uint32_t wanted = 0;  // workers that queue and signals ask for
  std::uint32_t target = 0;
  std::uint32_t launch = 0;
  std::uint32_t cancel = 0;          // launches to call off
  std::vector<worker_id> drain;      // none of them busy while an idle one stays
  std::vector<worker_id> take_back;  // draining workers to keep after all
  // Where pools share a limit: most that this one may have until the next decision, those that drain
  // counted. Its manager replaces by itself what is preempted or lost.
  std::optional<std::uint32_t> ceiling;
  autoscaler::direction direction = direction::none;
  autoscaler::cause cause = cause::steady;
  std::string reason;
  std::vector<step> steps;
  double worker_seconds = 0;  // cumulative, of registered and draining workers
  double cost_per_hour = 0;   // of all its instances: those asked for and those that leave, too
  double cost = 0;            // cumulative
  time_point kept_until{};    // idle workers are kept because such ones were soon wanted again; 0: no

  bool acts() const { return launch || cancel || !drain.empty() || !take_back.empty(); }
};

// Work that no pool can ever run, or that no pool can run now.
struct unplaced_demand {
  std::string function;
  std::string resources;
  std::uint64_t tasks = 0;
  std::string reason;
};

struct decision {
  std::uint64_t number = 0;  // 1, 2, 3 … over all decisions, kept or not
  time_point at{};
  std::int64_t at_us = 0;  // wall clock, left 0: the caller knows it
  // The demand it was made for.
  std::uint64_t ready = 0;     // tasks
  std::uint64_t assigned = 0;  // given to workers, not started
  std::uint64_t running = 0;
  double work_seconds = 0;  // expected, of all of them
  std::vector<signal_record> signals;
  double cost = 0;           // of all pools, since the head started
  double cost_per_hour = 0;  // at this moment
  std::vector<pool_decision> pools;
  std::vector<unplaced_demand> unplaced;
  std::string reason;  // of the whole, one line

  bool acts() const;
  const pool_decision* pool(std::string_view name) const;  // null: no such pool
  const signal_record* signal(std::string_view name) const;  // null: no such signal
};

}  // namespace troupe::autoscaler
