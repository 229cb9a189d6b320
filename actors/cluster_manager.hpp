// cluster_manager: keeps one pool at its target. Owns the pool's core (providers/pool_core.hpp), its
// launch ledger and its provider; carries out what the core wants and tells it what comes of it. Has
// a thread of its own, because the ledger is synced to disk.
#pragma once

#include <memory>
#include <string>

#include "actors/interfaces.hpp"
#include "libruntime/settings.hpp"
#include "providers/launch_ledger.hpp"
#include "providers/pool_core.hpp"

namespace troupe::actors {

struct manager_options {
  pool_settings pool;
  providers::pool_core_settings core;
  providers::worker_command command;
  std::shared_ptr<providers::provider> provider;
  std::shared_ptr<providers::launch_ledger> ledger;
  resource_set worker_resources;            // of one worker
  std::vector<std::string> functions;       // that its workers know
  bool functions_known = false;
  std::function<void(const std::string& pool)> on_all_gone;  // after shut_down
};

struct manager_state {
  manager_state() = default;
  static inline const char* name = "cluster_manager";

  manager_options options;
  std::unique_ptr<providers::pool_core> core;
  scheduler_actor scheduler;
  autoscaler_actor autoscaler;
  std::optional<std::uint32_t> max;
  std::uint64_t wake_generation = 0;
  time_point wake_at = time_point::max();
};

// What a manager of these options would say first.
pool_report first_report(const manager_options& options);

manager_actor::behavior_type cluster_manager(manager_actor::stateful_pointer<manager_state> self,
                                             manager_options options, scheduler_actor scheduler,
                                             autoscaler_actor autoscaler);

}  // namespace troupe::actors
