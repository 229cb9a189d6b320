// From a pool's settings to what its manager needs: provider, command of its workers, ledger, and
// what one of its workers offers. Part of the head's wiring.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "actors/cluster_manager.hpp"
#include "actors/interfaces.hpp"
#include "libruntime/function_registry.hpp"
#include "libruntime/settings.hpp"

namespace troupe::actors {

struct pool_context {
  caf::actor_system* system = nullptr;
  const cluster_settings* settings = nullptr;
  const function_registry* functions = nullptr;
  std::vector<std::string> worker_arguments;
  std::filesystem::path state_dir;
  std::string cluster_id;
  epoch_id epoch;
  std::string address, certificates;
  scheduler_actor scheduler;
  std::function<void(const std::string& pool)> all_gone;
};

// Failures name the pool and what is wrong with it: a program or module that can't be run or loaded.
result<manager_options> set_up_pool(const pool_context& context, const pool_settings& pool);

// Processors this process may use.
std::uint32_t machine_cores();

}  // namespace troupe::actors
