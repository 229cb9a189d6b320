// A service of this program: estimates pi for whoever asks it. It is an actor among the runtime's
// actors, and a client of the scheduler: it joins as a party, submits a job for every order by
// message, and answers when the results have come, by message. No thread ever waits.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "actors/interfaces.hpp"

namespace embedded {

struct estimate {
  std::uint64_t darts = 0;  // more of them: closer
};

using pi_service_actor =
    troupe::actors::party_actor::extend<caf::replies_to<estimate>::with<double>>;

struct pi_service_state {
  pi_service_state() = default;
  static inline const char* name = "pi_service";

  struct order {
    caf::typed_response_promise<double> reply;
    std::uint64_t darts = 0;
    std::uint64_t inside = 0;  // of those counted so far
  };

  troupe::actors::scheduler_actor scheduler;
  troupe::client_id client;  // 0 until the scheduler has taken us in
  std::uint32_t credit = 0;  // tasks that we may submit now
  std::uint64_t next_key = 1;
  std::deque<order> waiting;            // for credit
  std::map<std::uint64_t, order> jobs;  // submitted, by key
};

pi_service_actor::behavior_type pi_service(
    pi_service_actor::stateful_pointer<pi_service_state> self,
    troupe::actors::scheduler_actor scheduler);

// What a worker runs: throws darts at a square, says how many hit the circle.
std::uint64_t throw_darts(std::uint64_t seed, std::uint64_t darts);

}  // namespace embedded

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(embedded::estimate)
