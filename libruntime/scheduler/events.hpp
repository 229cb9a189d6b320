// What the scheduler core is told (events: facts of the past) and what it wants done (actions).
// Both come in batches: one message a task would cap the speed of everything.
//
// Clients and workers talk to the core in protocol messages; the events here wrap those with who
// sent them, and add what only the head itself can know.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "libruntime/protocol/messages.hpp"
#include "libruntime/snapshot.hpp"

namespace troupe::scheduler {

// ---- events -----------------------------------------------------------------------------------

struct client_joined {
  client_id client;
  std::uint64_t incarnation = 0;  // the same after a reconnect: its jobs are still its own
  std::string owner;
  bool admin = false;  // may touch everybody's jobs
};
struct client_left {
  client_id client;
};

struct worker_joined {
  worker_id worker;  // chosen by the caller; the same after a reconnect (same incarnation)
  protocol::register_worker info;
  std::string instance;  // launch request id of its provider; empty if none
};
// The link is gone. Its tasks stay with it until it comes back, is known dead, or its lease ends.
struct worker_disconnected {
  worker_id worker;
};
// It is known to be over: its process is gone, and everything it started.
struct worker_died {
  worker_id worker;
  std::string reason;       // "killed by signal 9", with the last lines of its stderr
  bool deliberate = false;  // we ended it, or a preemption did: nobody is charged
};
// Cordon: nothing new. Drain: cordon, recall, and tell by drain_complete when it is empty.
struct cordon_worker {
  worker_id worker;
  bool on = true;
};
struct drain_worker {
  worker_id worker;
  bool on = true;  // false takes a draining worker back
  std::string reason;
};

// What pools exist and could offer; sent at start and when it changes.
struct pool_offer {
  std::string name;
  bool enabled = true;            // max > 0
  resource_set worker_resources;  // of one worker, with "cpus"
  std::vector<std::string> functions;
  bool functions_known = false;   // false: names are learned when workers register
  std::uint32_t max_workers = 0;  // UINT32_MAX: unlimited
  std::uint32_t workers = 0;      // registered, booting and requested
  std::string trouble;            // "backing off until …, because …"; empty if none
};
struct pools_changed {
  std::vector<pool_offer> pools;
};

// From a client: cancel and retry on anybody's job need `admin` or the same owner.
struct retry_tasks {
  client_id client;
  job_id job;
  std::vector<protocol::index_range> tasks;  // empty: all failed ones
};
// A client that did not submit the job wants its results pushed too (`troupe wait`).
struct watch_job {
  client_id client;
  job_id job;
  std::uint64_t key = 0;  // goes into the results' and job_finished's `key`
  bool values = false;    // false: outcomes and errors only
};

struct from_client {
  client_id client;
  std::variant<protocol::open_job, protocol::define_template, protocol::add_tasks,
               protocol::close_job, protocol::release_results, protocol::cancel>
      message;
};
struct from_worker {
  worker_id worker;
  std::variant<protocol::started, protocol::finished, protocol::recalled, protocol::heartbeat>
      message;
};

// The caller has put values on disk as an action asked: the handle now refers to the file.
struct result_spilled {
  task_id task;
  value stored;
};

// It could not: the value stays in memory, and results that come find no room until some are let go.
struct result_not_spilled {
  task_id task;
  std::string why;
};

// Time has passed: retries, leases, graces, retention. The core says when it wants the next one.
struct tick {};

using event = std::variant<client_joined, client_left, worker_joined, worker_disconnected,
                           worker_died, cordon_worker, drain_worker, pools_changed, retry_tasks,
                           watch_job, from_client, from_worker, result_spilled, result_not_spilled, tick>;

// ---- actions ----------------------------------------------------------------------------------

struct to_client {
  client_id client;
  std::variant<protocol::job_opened, protocol::job_refused, protocol::submit_credit,
               protocol::results, protocol::job_finished>
      message;
};
struct to_worker {
  worker_id worker;
  std::variant<protocol::worker_template, protocol::assign, protocol::recall,
               protocol::cancel_attempts, protocol::ack, protocol::drain>
      message;
};
// A draining worker holds nothing any more and may be stopped.
struct drain_complete {
  worker_id worker;
};
// The lease has ended without word: the caller should end the instance; its tasks are placed again.
struct worker_lease_expired {
  worker_id worker;
};
// A ready task found no room: the autoscaler should look now, not at its next interval.
struct demand_unmet {};
// Put this value on disk and answer with result_spilled.
struct spill_result {
  task_id task;
  value bytes;
};
// `at_us` is left 0: the caller knows the wall clock.
struct publish_events {
  std::vector<protocol::event_record> items;
};
// Call handle(tick) at this moment, or earlier.
struct wake_at {
  time_point when;
};

using action = std::variant<to_client, to_worker, drain_complete, worker_lease_expired,
                            demand_unmet, spill_result, publish_events, wake_at>;

// In the order in which they must be carried out.
using actions = std::vector<action>;

}  // namespace troupe::scheduler
