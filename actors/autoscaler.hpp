// autoscaler_actor: asks the scheduler for a snapshot, lets the policy (autoscaler/policy.hpp) decide,
// and gives each manager its target. At every interval, and at once, but not more often than
// `reaction_time`, when a ready task has no home or a pool has changed.
#pragma once

#include <map>
#include <string>

#include "actors/interfaces.hpp"
#include "autoscaler/policy.hpp"
#include "libruntime/settings.hpp"

namespace troupe::actors {

autoscaler_options autoscaler_options_of(const cluster_settings& s);

struct autoscaler_state {
  autoscaler_state() = default;
  static inline const char* name = "autoscaler";

  autoscaler_options options;
  scheduler_actor scheduler;
  std::map<std::string, manager_actor> managers;
  std::map<std::string, autoscaler::pool_status> pools;
  std::map<std::string, pool_report> reports;
  std::map<std::string, autoscaler::signal_reading> readings;  // the latest, by signal
  std::map<std::string, autoscaler::signal_trouble> told;      // in events, by signal
  autoscaler::history past;
  decision_counts counts;
  bool asking = false;      // for a snapshot
  bool again = false;       // something happened meanwhile
  bool stopping = false;
  time_point last_decision{};
  std::uint64_t wake_generation = 0;
};

autoscaler_actor::behavior_type autoscaler_behavior(
    autoscaler_actor::stateful_pointer<autoscaler_state> self, autoscaler_options options,
    scheduler_actor scheduler);

}  // namespace troupe::actors
