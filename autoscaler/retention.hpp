// How long idle capacity is worth keeping. Stopping a worker that is wanted again soon costs its
// next start, in money and in waiting; keeping one that is not costs its idleness. Which is cheaper
// is learnt from how long each size of the pool lay unused lately.
//
// For every level k ("the pool has k workers") it is noted when demand fell below k and came back.
// A level is kept for the time that would have cost least over its last gaps, each gap costing the
// part of it in which the worker was kept, and `restart` more if it outlasted that: the ski-rental
// problem with the recent past as the guess. Lulls between the phases of a graph, in which more is
// known to come, are one kind, those between submissions another: that the phases of a graph followed
// each other says nothing of what follows its end. So it is never kept longer than a restart is worth,
// and a pool whose workers start in an instant keeps nothing beyond the idle timeout.
//
// Pure; memory is a few bytes for each level that was ever wanted.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "autoscaler/decision.hpp"
#include "libruntime/time.hpp"

namespace troupe::autoscaler {

class retention {
 public:
  // Demand is for `wanted` workers now; `more_to_come`: tasks wait for others, so there will be more.
  // Gaps up to the idle timeout are of no interest: every worker stays for that long.
  void note(time_point now, std::uint32_t wanted, bool more_to_come, duration idle_timeout);

  struct kept {
    std::uint32_t size = 0;
    time_point until{};  // when it may become less though nothing happens; 0: nothing is kept
  };
  // The largest level that is still worth keeping.
  kept hold(time_point now, bool more_to_come, duration idle_timeout, duration restart) const;

 private:
  static constexpr std::size_t remembered = 8;
  struct lulls {
    std::array<float, remembered> gaps{};  // seconds, a ring
    std::uint8_t count = 0, next = 0;
    void add(duration gap);
  };
  struct level {
    time_point fallen{};      // when demand fell below it
    bool foreseen = false;    // … and more was to come
    std::array<lulls, 2> of;  // [foreseen]
  };
  static duration worth_keeping(const lulls& past, duration idle_timeout, duration restart);

  std::vector<level> levels_;  // [k - 1]
  std::uint32_t wanted_ = 0;
};

// How long launches take, from the counts of a pool's status, to the interval of the decisions.
class launch_clock {
 public:
  void note(time_point now, const pool_status& s);
  duration typical() const { return typical_; }  // 0: none has registered yet

 private:
  std::deque<time_point> under_way_;  // when each was first seen
  std::uint32_t there_ = 0;           // registered and draining
  duration typical_{};
};

// What a restart is worth in idle time: the start itself, and the wait for it, which weighs more the
// shorter the target duration is.
duration price_of_restart(duration launch, duration target_duration);

}  // namespace troupe::autoscaler
