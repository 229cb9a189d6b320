// The interfaces of all actors, and the messages that only ever travel inside a process. What also
// travels between processes is in libruntime/protocol/messages.hpp.
//
//   party_actor      whoever the scheduler talks to: a peer (stand-in for a remote client or
//                    worker), a worker in this process, a client in this process
//   scheduler_actor  owns the scheduler core
//   manager_actor    keeps one pool at its target
//   autoscaler_actor decides the targets
//   config_actor     owns the settings in effect
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "autoscaler/policy.hpp"
#include "libruntime/scheduler/core.hpp"
#include "libruntime/snapshot.hpp"
#include "providers/pool_types.hpp"

namespace troupe::actors {

// ---- scheduler ⇄ parties ----------------------------------------------------------------------

// What the scheduler (or a control answer) has for one party, in order.
struct outbox {
  std::vector<protocol::message> messages;
};
// What a client or worker says, in order.
struct client_batch {
  client_id client;
  std::vector<protocol::message> messages;
};
struct worker_batch {
  worker_id worker;
  std::vector<protocol::message> messages;
};

// How many tasks the message is about: what handling it takes.
inline std::size_t tasks_in(const protocol::add_tasks& m) {
  return m.tasks.empty() ? m.count : m.tasks.size();
}
inline std::size_t tasks_in(const protocol::finished& m) { return m.items.size(); }
template <class T>
std::size_t tasks_in(const T&) {
  return 0;
}
// What comes together is handled together until it is about so many tasks, some tenths of a millisecond of
// the scheduler's time. With more, workers would run dry before it says anything.
inline constexpr std::size_t most_tasks_at_once = 2048;

using party_actor = caf::typed_actor<caf::reacts_to<outbox>>;

struct join_client {
  party_actor party;
  std::uint64_t incarnation = 0;
  std::string owner;
  bool admin = false;
};
struct join_worker {
  party_actor party;
  protocol::register_worker info;
  std::string token;  // of its launch; empty: started by hand, or back after a broken link
};

// ---- pools ------------------------------------------------------------------------------------
// Managers speak in the events of their core (providers/pool_types.hpp); these are what a manager
// tells the scheduler.

// Which launch does this token prove? Answered with its request id; a token works once.
struct redeem_token {
  std::string token;
};
struct drain_order {
  worker_id worker;
  bool on = true;
  std::string reason;
};
// Over its link: end yourself.
struct stop_order {
  worker_id worker;
  std::string reason;
};
// The instance is confirmed gone, and everything it started.
struct worker_over {
  worker_id worker;
  std::string reason;
  bool deliberate = false;
};

// How a pool is, for everybody who wants to know; sent by its manager on every change.
struct pool_report {
  autoscaler::pool_status status;
  scheduler::pool_offer offer;
  providers::pool_counters counters;
  std::string provider;
  std::uint32_t min = 0;             // as configured; `scale` may say otherwise
  std::optional<std::uint32_t> max;  // nothing: no limit
};

// ---- questions --------------------------------------------------------------------------------

struct get_snapshot {};
using snapshot_ptr = std::shared_ptr<const load_snapshot>;

// Everything /metrics shows, at one moment.
struct metrics_view {
  load_snapshot load;
  std::vector<function_view> functions;
  scheduler::core_stats stats;
  std::vector<pool_report> pools;
  duration_histogram loop;
  std::uint64_t spilled_bytes = 0;
};
struct get_metrics {};
using metrics_ptr = std::shared_ptr<const metrics_view>;

// The autoscaler's part of the metrics.
struct decision_counts {
  // Decisions that changed something since the head started, by pool, direction and cause.
  std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> by_cause;
  // Readings of signals that gave no number, by signal and trouble.
  std::map<std::pair<std::string, std::string>, std::uint64_t> troubles;
  autoscaler::decision last;
};
struct get_decision_counts {};
using decision_counts_ptr = std::shared_ptr<const decision_counts>;

// A control request (docs/control.md). Answered with a MessagePack map.
struct control_query {
  client_id client;   // who asks; 0: somebody with admin rights over HTTP
  bool admin = false;
  std::string method;
  value parameters;
};

// A ready task has no home; sent at most once between two snapshots.
struct demand_notice {};
// Decide nothing more: the cluster is being stopped.
struct begin_shutdown {};
// The autoscaler was told to decide nothing more in a direction, or to go on.
struct scaling_paused {
  bool up = false, down = false;
};
struct get_launches {};
using launches_ptr = std::shared_ptr<const std::vector<providers::launch_view>>;

// To itself: everything that arrived meanwhile is in one batch; time to call the core.
struct flush_now {};
struct wake_up {
  std::uint64_t generation = 0;  // an older one than the latest is a timer that was replaced
};

// The configuration changed: what the pool's new one says, of which only live options differ.
struct new_pool_settings {
  pool_settings pool;
};
// What the autoscaler works by; sent to it anew when the configuration changes. What was set by hand
// is not in it, and stays.
struct autoscaler_options {
  autoscaler_settings settings;
  autoscaler::settings policy;
};
// Read the cluster's file again.
struct reload_file {};

using manager_actor = caf::typed_actor<
    // Targets from the autoscaler; news of its workers from the scheduler; answers of its provider.
    caf::reacts_to<providers::pool_event>,
    // From the scheduler, when a worker registers.
    caf::replies_to<redeem_token>::with<std::string>,
    // From the config keeper.
    caf::reacts_to<new_pool_settings>,
    // How many launches in which state, in full.
    caf::replies_to<get_launches>::with<launches_ptr>,
    // From itself.
    caf::reacts_to<wake_up>>;

using autoscaler_actor = caf::typed_actor<
    // From a manager, on every change.
    caf::reacts_to<pool_report>,
    // From the scheduler.
    caf::reacts_to<demand_notice>,
    // From the signal reader, after each look.
    caf::reacts_to<autoscaler::signal_reading>,
    // From the config keeper.
    caf::reacts_to<autoscaler_options>,
    // scale, autoscaler.log, autoscaler.explain, autoscaler.pause, autoscaler.resume
    caf::replies_to<control_query>::with<value>,
    caf::reacts_to<begin_shutdown>,
    caf::replies_to<get_decision_counts>::with<decision_counts_ptr>,
    // From itself.
    caf::reacts_to<wake_up>>;

using config_actor = caf::typed_actor<
    // config.show, config.apply
    caf::replies_to<control_query>::with<value>,
    // Somebody sent a SIGHUP.
    caf::reacts_to<reload_file>,
    caf::reacts_to<begin_shutdown>>;

// Who the scheduler works with.
struct cast {
  autoscaler_actor autoscaler;
  config_actor config;
  std::vector<std::pair<std::string, manager_actor>> managers;  // by pool
  // What every pool offers, before anybody submits: a submission is checked against all of them.
  std::vector<pool_report> pools;
};

using scheduler_actor = caf::typed_actor<
    // A client; the party is monitored and gets submit_credit first.
    caf::replies_to<join_client>::with<client_id>,
    // A worker, new or back. Fails with unauthenticated for a token that isn't expected (any more).
    caf::replies_to<join_worker>::with<protocol::worker_registered>,
    caf::reacts_to<client_batch>, caf::reacts_to<worker_batch>,
    // From managers.
    caf::reacts_to<drain_order>, caf::reacts_to<stop_order>, caf::reacts_to<worker_over>,
    caf::reacts_to<pool_report>,
    // From the wiring, once: who decides and who manages which pool.
    caf::reacts_to<cast>,
    // A decision or a change of the configuration, for the event stream.
    caf::reacts_to<protocol::event_record>,
    // From the autoscaler, when somebody paused or resumed it.
    caf::reacts_to<scaling_paused>,
    caf::replies_to<get_snapshot>::with<snapshot_ptr>,
    caf::replies_to<get_metrics>::with<metrics_ptr>,
    caf::replies_to<control_query>::with<value>,
    // From itself.
    caf::reacts_to<flush_now>, caf::reacts_to<wake_up>>;

}  // namespace troupe::actors

// Process-local by intent: between processes only protocol messages travel, over links.
#define TROUPE_LOCAL_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::type)
TROUPE_LOCAL_MESSAGE(outbox)
TROUPE_LOCAL_MESSAGE(client_batch)
TROUPE_LOCAL_MESSAGE(worker_batch)
TROUPE_LOCAL_MESSAGE(join_client)
TROUPE_LOCAL_MESSAGE(join_worker)
TROUPE_LOCAL_MESSAGE(redeem_token)
TROUPE_LOCAL_MESSAGE(drain_order)
TROUPE_LOCAL_MESSAGE(stop_order)
TROUPE_LOCAL_MESSAGE(worker_over)
TROUPE_LOCAL_MESSAGE(get_launches)
TROUPE_LOCAL_MESSAGE(launches_ptr)
TROUPE_LOCAL_MESSAGE(cast)
TROUPE_LOCAL_MESSAGE(flush_now)
TROUPE_LOCAL_MESSAGE(wake_up)
TROUPE_LOCAL_MESSAGE(pool_report)
TROUPE_LOCAL_MESSAGE(get_snapshot)
TROUPE_LOCAL_MESSAGE(snapshot_ptr)
TROUPE_LOCAL_MESSAGE(get_metrics)
TROUPE_LOCAL_MESSAGE(metrics_ptr)
TROUPE_LOCAL_MESSAGE(get_decision_counts)
TROUPE_LOCAL_MESSAGE(decision_counts_ptr)
TROUPE_LOCAL_MESSAGE(control_query)
TROUPE_LOCAL_MESSAGE(demand_notice)
TROUPE_LOCAL_MESSAGE(begin_shutdown)
TROUPE_LOCAL_MESSAGE(scaling_paused)
TROUPE_LOCAL_MESSAGE(new_pool_settings)
TROUPE_LOCAL_MESSAGE(autoscaler_options)
TROUPE_LOCAL_MESSAGE(reload_file)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::autoscaler::signal_reading)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::providers::pool_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::client_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::value)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::protocol::worker_registered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::protocol::event_record)
