// Keeps one pool at its target: compares what is wanted, what the provider has and which workers
// registered, and says what to do about it. Pure: events in, actions out; time and randomness come
// in as arguments. Owned and called by cluster_manager_actor or a simulation, by one thread at a
// time.
//
// Invariants: no launch takes requested + unknown + booting + registered + draining above `max` or
// the ceiling; a launch is in the ledger before the provider hears of it; nothing that exists is
// forgotten before it is confirmed gone; nothing that another pool or cluster made is touched.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libruntime/failure.hpp"
#include "providers/launch_tokens.hpp"
#include "providers/pool_types.hpp"

namespace troupe::providers {

class pool_core {
 public:
  // `open_launches`: what the ledger of earlier epochs says was launched and not confirmed gone.
  pool_core(pool_core_settings settings, random_source random,
            std::vector<request_id> open_launches = {});
  ~pool_core();
  pool_core(pool_core&&) noexcept;
  pool_core& operator=(pool_core&&) noexcept;

  // Appends to `out`; never sends. The first event should be a tick: it asks for the first list,
  // and nothing is launched before that is answered.
  void handle(const pool_event& e, time_point now, pool_actions& out);

  // A worker shows its launch token: which launch it is. A token works once, until its launch's
  // boot deadline.
  result<request_id> redeem_token(std::string_view token, time_point now);

  autoscaler::pool_status status() const;
  std::vector<launch_view> launches() const;  // oldest first
  const pool_counters& counters() const;

  // Throws std::logic_error naming the broken invariant. For tests.
  void check_invariants() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// Instances of this cluster whose pool the configuration no longer has: to be ended at start.
std::vector<instance_id> of_unknown_pools(const std::vector<instance>& listed,
                                          const std::vector<std::string>& pools);

}  // namespace troupe::providers
