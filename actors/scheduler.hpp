// scheduler_actor: owns the scheduler core. Every message becomes an event; events that arrive
// together are handled together, up to some thousand tasks, with one placement at the end; the core's
// actions become one outbox a party. A party that ends becomes client_left or worker_disconnected.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/file_store.hpp"
#include "actors/interfaces.hpp"
#include "actors/log_reader.hpp"
#include "actors/result_spiller.hpp"
#include "libruntime/scheduler/core.hpp"

namespace troupe::actors {

struct scheduler_options {
  scheduler::core_settings core;
  epoch_id epoch;
  std::uint32_t event_history = 10'000;
  // Fixed facts for `status`.
  std::string cluster_name, cluster_id, address, http, software;
  std::vector<std::string> log_folders;  // where workers of this machine write task logs
  std::shared_ptr<file_store> files;  // for results that don't fit in memory
  // Ends the process's run loop when somebody asks for `shutdown`.
  std::function<void(bool drain)> on_shutdown;
};

struct scheduler_state {
  scheduler_state();
  ~scheduler_state();
  static inline const char* name = "scheduler";

  struct client_entry {
    party_actor party;
    std::uint64_t incarnation = 0;
    std::string owner;
    bool admin = false;
    bool wants_events = false;
  };
  struct worker_entry {
    party_actor party;  // null: its link is gone
    std::uint64_t incarnation = 0;
    std::string name, pool, host, log_dir, instance;
    std::uint32_t pid = 0;
  };

  scheduler_options options;
  std::unique_ptr<scheduler::core> core;

  std::unordered_map<std::uint32_t, client_entry> clients;
  std::unordered_map<std::uint32_t, worker_entry> workers;
  std::unordered_map<caf::actor_addr, client_id> clients_by_party;
  std::unordered_map<caf::actor_addr, worker_id> workers_by_party;
  std::uint32_t next_client = 1;
  std::uint32_t next_worker = 1;

  log_reader_actor log_reader;
  result_spiller_actor spiller;
  autoscaler_actor autoscaler;
  config_actor config;
  std::map<std::string, manager_actor> managers;
  std::map<std::string, pool_report> pools;
  scaling_paused paused;

  std::vector<scheduler::event> pending;
  std::size_t pending_tasks = 0;  // that these are about
  bool flush_queued = false;
  std::uint64_t wake_generation = 0;
  time_point wake_at = time_point::max();
  bool demand_noticed = false;  // the autoscaler was told, and has not looked since

  // Filled while actions are carried out, then sent: one message a party.
  std::unordered_map<std::uint32_t, std::vector<protocol::message>> to_clients, to_workers;

  std::deque<protocol::event_record> events;  // the last event_history ones
  std::uint64_t next_event = 1;
  std::chrono::system_clock::time_point started_at;

  // For metrics.
  duration_histogram loop;
  std::uint64_t spilled_bytes = 0;
};

scheduler_actor::behavior_type scheduler(scheduler_actor::stateful_pointer<scheduler_state> self,
                                         scheduler_options options);

}  // namespace troupe::actors
