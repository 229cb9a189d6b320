// What a pool's reconciling core is told (events), what it wants done (actions), and what it shows.
// Pure data; both directions carry batches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "autoscaler/decision.hpp"
#include "libruntime/ids.hpp"
#include "libruntime/settings.hpp"
#include "libruntime/snapshot.hpp"
#include "providers/provider.hpp"

namespace troupe::providers {

struct pool_core_settings {
  std::string pool;
  std::string cluster;  // id
  epoch_id epoch;
  launch_settings launch;
  duration boot_deadline = std::chrono::seconds{60};
  duration drain_deadline = std::chrono::minutes{10};
  duration call_deadline = std::chrono::seconds{30};    // of each call to the provider
  duration list_interval = std::chrono::seconds{10};    // between looks at what really exists
  duration terminate_retry = std::chrono::seconds{15};  // until an end is confirmed
  bool adopt = false;      // take back workers of earlier epochs; else they are ended at start
  std::uint64_t seed = 1;  // of the jitter
};

// ---- events -----------------------------------------------------------------------------------
namespace event {

// From the autoscaler. `drain` and `take_back` name workers; unknown ones are ignored.
struct set_target {
  std::uint32_t target = 0;
  std::optional<std::uint32_t> max;
  std::optional<std::uint32_t> ceiling;  // as `max`, but only until the next one
  std::vector<worker_id> drain;
  std::vector<worker_id> take_back;
};
// Somebody drains this worker by hand: it isn't taken back, and is replaced when it has gone.
struct drain_requested {
  worker_id worker;
};
struct launch_answered {
  std::vector<request_id> requests;
  answer<launched> result;
};
// `asked_at`: when the call was made; what became known after it is not judged by it.
struct listed {
  time_point asked_at{};
  answer<std::vector<instance>> result;
};
struct terminate_answered {
  std::vector<instance_id> instances;
  answer<done> result;
};
struct instance_ended {
  instance_end end;
};
struct worker_registered {
  request_id request;
  worker_id worker;
};
// The head has given up on the worker (lease over) or it said goodbye.
struct worker_lost {
  worker_id worker;
  std::string reason;
  bool deliberate = false;
};
// It holds nothing any more.
struct drain_complete {
  worker_id worker;
};
// The head is stopping: nothing new is launched, everything is ended. `drain`: let work finish.
struct shut_down {
  bool drain = true;
};
// The configuration changed. For launches, drains and failures from now on.
struct settings_changed {
  launch_settings launch;
  duration boot_deadline{};
  duration drain_deadline{};
};
struct tick {};

}  // namespace event

using pool_event =
    std::variant<event::set_target, event::drain_requested, event::launch_answered, event::listed,
                 event::terminate_answered, event::instance_ended, event::worker_registered,
                 event::worker_lost, event::drain_complete, event::shut_down,
                 event::settings_changed, event::tick>;

// ---- actions ----------------------------------------------------------------------------------
namespace act {

// To the ledger: must be durable before `launch`, its next neighbour, is carried out. If it can't
// be written, answer the launch with a transient failure and don't call the provider.
struct record_launches {
  std::vector<request_id> requests;
};
struct record_ends {
  std::vector<request_id> requests;
};
struct launch {
  std::vector<launch_item> items;
};
struct list {};
struct terminate {
  std::vector<instance_id> instances;
};
// To the scheduler: cordon and drain, or take back.
struct drain_worker {
  worker_id worker;
  bool on = true;
  std::string reason;
};
// Over its link: end yourself.
struct stop_worker {
  worker_id worker;
  std::string reason;
};
// To the scheduler: the worker's instance is confirmed gone.
struct worker_over {
  worker_id worker;
  std::string reason;
  bool deliberate = false;
};
// For the log and the event stream.
struct report {
  enum class level : std::uint8_t { info, warning } severity = level::info;
  std::string text;
};
// Call handle(tick) at this moment, or earlier.
struct wake_at {
  time_point when{};
};
// After shut_down: nothing is left.
struct all_gone {};

}  // namespace act

using pool_action = std::variant<act::record_launches, act::record_ends, act::launch, act::list,
                                 act::terminate, act::drain_worker, act::stop_worker,
                                 act::worker_over, act::report, act::wake_at, act::all_gone>;
// In the order in which they must be carried out.
using pool_actions = std::vector<pool_action>;

// ---- views ------------------------------------------------------------------------------------

enum class launch_phase : std::uint8_t {
  requested,    // asked of the provider, not answered
  unknown,      // the answer was lost or ambiguous: the next lists will tell
  booting,      // an instance exists, its worker has not registered
  registered,   // its worker serves
  draining,     // its worker finishes what it has
  terminating,  // told to end, not confirmed gone
};
std::string_view to_string(launch_phase p);

// One launch, as people see it.
struct launch_view {
  request_id request;
  instance_id instance;
  launch_phase phase{};
  worker_id worker;
  time_point since{};  // in this phase
  std::string note;    // why it drains, ends, waits
};

struct pool_counters {
  std::uint64_t launches = 0, registrations = 0, failed_starts = 0, boot_timeouts = 0, deaths = 0,
                orphans_ended = 0, adopted = 0, tokens_refused = 0, stale = 0;
  duration_histogram launch_time;  // from the launch to the worker's registration
};

}  // namespace troupe::providers
