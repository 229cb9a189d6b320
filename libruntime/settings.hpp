// Everything a cluster's YAML can say, as plain structs: one for each module, in the order of the
// file. A member's initialiser is its default; names, bounds and words for people stand once, in
// the option tables (settings_options.hpp). No logic here beyond look-ups.
//
// Durations are never negative. Relative paths: `state_dir`, `certs`, `program` and `modules` have
// been made absolute by loading; `log_dir` and `scratch` are below the cluster's state folder.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libruntime/log_level.hpp"
#include "libruntime/resources.hpp"
#include "libruntime/time.hpp"
#include "libruntime/units.hpp"

namespace troupe {

using namespace std::chrono_literals;

// ---- cluster: ----
struct identity_settings {
  std::string name = "local";
  std::string state_dir;  // empty: $XDG_STATE_HOME/troupe/NAME
};

// ---- scheduler: ----

// What is kept of jobs that have ended. Whichever limit is reached first wins.
struct retention_settings {
  duration time = 1h;
  std::uint32_t jobs = 1000;
};

struct scheduler_settings {
  host_port listen{"127.0.0.1", 7400};                           // links and API, TLS
  std::optional<host_port> http = host_port{"127.0.0.1", 7401};  // for people, no TLS; or off
  duration default_duration = 500ms;     // of a function until one has been measured
  std::uint16_t crash_limit = 3;         // workers that may die under a task that sets no own limit
  std::uint32_t max_tasks = 50'000'000;  // known at once, in any state
  std::uint32_t max_peers = 10'000;      // connections: workers, clients
  duration handshake_timeout = 5s;
  duration client_grace = 30s;  // how long the jobs of a client that vanished wait for it
  retention_settings retention;
  byte_count results_memory = byte_count::mib(512);  // results held by the head, then spilled
  byte_count results_disk = byte_count::gib(16);     // … up to here; then they are refused
  std::uint32_t event_history = 10'000;              // numbered events kept for followers
  log_level log = log_level::info;
};

// ---- security: ----
enum class tls_mode : std::uint8_t { on, off };

struct security_settings {
  tls_mode tls = tls_mode::on;  // off: on loopback only
  std::string certs;            // empty: STATE_DIR/certs
};

// ---- autoscaler:, and for each pool ----
enum class rate_unit : std::uint8_t { workers, percent };
enum class rate_selection : std::uint8_t { max, min, disabled };

// At most `value` workers, or percent of those there were, added or removed in any `period`.
struct rate_policy {
  rate_unit type = rate_unit::workers;
  std::uint32_t value = 0;
  duration period = 15s;
  friend bool operator==(const rate_policy&, const rate_policy&) = default;
};

struct scale_up_settings {
  duration stabilization = 0s;            // the lowest target of this window wins
  std::optional<std::uint32_t> max_step;  // workers added by one decision; nothing: any number
  std::vector<rate_policy> policies;      // none: no limit
  rate_selection select = rate_selection::max;  // which policy wins; disabled: never scale up
  std::uint32_t initial_burst = 0;  // workers up to which neither policies nor max_step limit
  friend bool operator==(const scale_up_settings&, const scale_up_settings&) = default;
};

struct scale_down_settings {
  duration idle_timeout = 30s;  // a worker without work for so long may go
  duration stabilization = 0s;  // the highest target of this window wins
  std::optional<std::uint32_t> max_step;
  std::vector<rate_policy> policies;
  rate_selection select = rate_selection::max;
  duration zero_cooldown = 0s;      // the last worker stays so long after the pool's last work
  duration drain_deadline = 10min;  // then a draining worker's tasks are stopped and go back
  friend bool operator==(const scale_down_settings&, const scale_down_settings&) = default;
};

// From each moment that `cron` names, the pool has at least `min` workers for the time of `lasts`.
struct scheduled_min_settings {
  std::string cron;
  std::uint32_t min = 0;
  std::optional<duration> lasts;  // nothing: until any entry of the schedule begins
  std::string timezone = "UTC";   // or an offset, or a name such as Europe/Berlin
  friend bool operator==(const scheduled_min_settings&, const scheduled_min_settings&) = default;
};

// What a pool may set differently.
struct scaling_settings {
  bool enabled = true;            // false: the pool keeps the size it is given
  duration target_duration = 1s;  // how long the queued work should take
  double tolerance = 0.1;         // no change while demand is this close to the target: 10 %
  scale_up_settings scale_up;
  scale_down_settings scale_down;
  std::vector<scheduled_min_settings> schedule;
  friend bool operator==(const scaling_settings&, const scaling_settings&) = default;
};

// ---- autoscaler.signals[] ----
enum class signal_source : std::uint8_t {
  prometheus,
  waiting_time_p95,  // seconds, of the last minute's tasks and those that wait for these pools
  queue_depth,       // tasks that wait and could run in these pools
  slot_utilisation,  // 0 to 1
};
enum class signal_type : std::uint8_t { value, average_value };
enum class signal_failure : std::uint8_t { hold, at_least, ignore };

// A number from elsewhere that asks for workers. The rules: autoscaler/signals.hpp.
struct signal_settings {
  std::string name;
  signal_source source = signal_source::prometheus;
  std::string query;               // PromQL; of a prometheus signal
  std::vector<std::string> pools;  // that it is for, together; none: all without special resources
  std::optional<signal_type> type;  // nothing: average_value for the queue's depth, else value
  double target = 0;
  double activation = 0;  // at or below it, the signal asks for nothing
  duration interval = 15s;
  duration timeout = 5s;
  duration freshness = 1min;  // an older answer is none
  duration hold_for = 5min;   // how long the last good one counts when there is none
  signal_failure on_failure = signal_failure::hold;  // then
  std::uint32_t at_least = 1;                        // of on_failure: at_least
  friend bool operator==(const signal_settings&, const signal_settings&) = default;
};

// Where PromQL is asked. Secrets are given or read from files, which is done at every use.
struct prometheus_settings {
  std::string url;  // empty: there is none
  std::string username, password_file, token_file;
  std::optional<std::string> password, token;
  std::string ca_file;  // PEM; empty: the authorities the system trusts
};

// In the currency of the pools' cost_per_hour.
struct budget_settings {
  std::optional<double> per_hour;  // of all instances that exist or are asked for
  std::optional<double> total;     // since the head started
};

struct autoscaler_settings : scaling_settings {
  duration interval = 1s;
  duration reaction_time = 50ms;  // at most so often when a ready task has no home
  std::uint32_t history = 1000;   // decisions kept
  std::optional<std::uint32_t> max_workers;  // of all pools together
  budget_settings budget;
  prometheus_settings prometheus;
  std::vector<signal_settings> signals;
};

// ---- pools[].worker: ----
enum class scheduler_loss : std::uint8_t { finish, stop };

struct worker_settings {
  std::uint32_t slots = 0;                 // 0: as many as the machine has cores
  std::optional<byte_count> memory;        // nothing: the machine's, or the cgroup's limit
  resource_set resources;                  // beyond cpus and memory
  std::vector<std::string> modules;        // shared libraries with functions
  std::map<std::string, std::string> env;  // added to the worker's environment
  std::string log_dir = "logs";
  std::string scratch = "scratch";
  std::string program;      // empty: the program that runs the head
  std::uint32_t nice = 15;  // added to the niceness of whoever starts it
  double spill = 0.7;       // of `memory`: results go to disk
  double pause = 0.8;       // of `memory`: takes no new work
  double terminate = 0.95;  // of `memory`: is restarted
  duration heartbeat_interval = 1s;
  duration lost_after = 10s;                                  // without a heartbeat
  duration death_timeout = 30s;                               // without the head
  duration cancel_grace = 5s;                                 // for a task to end once told to
  scheduler_loss on_scheduler_lost = scheduler_loss::finish;  // meanwhile, with running tasks
};

// ---- pools[].provider: one alternative a `type` ----
struct local_provider_settings {  // processes on this machine
  duration stop_grace = 10s;      // from SIGTERM to SIGKILL
};

struct threads_provider_settings {};  // workers inside this process

enum class fake_failure : std::uint8_t {
  no_capacity,
  quota,
  throttled,
  rejected_credentials,
  invalid_request,
  ambiguous,
  transient
};

struct fake_provider_settings {  // instances that only exist on paper, for tests and simulation
  duration launch_delay = 0s;
  std::optional<std::uint32_t> capacity;  // instances it can give; nothing: any number
  double failure_rate = 0;                // of launches
  fake_failure failure = fake_failure::transient;
  std::uint64_t seed = 1;
};

using provider_settings =
    std::variant<local_provider_settings, threads_provider_settings, fake_provider_settings>;
// "local", "threads", "fake": as `type:` says.
std::string_view provider_type(const provider_settings& p);

// ---- pools[]: ----
enum class placement_policy : std::uint8_t { pack, spread };

struct launch_settings {
  duration backoff_initial = 1s;  // after a start that failed; doubles, with jitter
  duration backoff_max = 5min;
  std::uint32_t replacements_per_minute = 5;  // of workers that died, before backing off
  std::uint32_t max_pending = 100;            // launches under way at once
};

struct pool_settings {
  std::string name;
  provider_settings provider;
  std::uint32_t min = 0;
  std::optional<std::uint32_t> max;  // nothing: no limit
  worker_settings worker;
  placement_policy placement = placement_policy::pack;
  duration boot_deadline = 60s;  // from launch to registration
  launch_settings launch;
  std::int32_t priority = 0;    // higher is filled first
  double cost_per_hour = 0;     // of one worker; among equals the cheaper pool is filled first
  scaling_settings autoscaler;  // loading copies the cluster's where the pool says nothing

  bool fixed_size() const { return max && *max == min; }
};

// ---- the whole file ----
struct cluster_settings {
  identity_settings cluster;
  scheduler_settings scheduler;
  security_settings security;
  autoscaler_settings autoscaler;
  std::vector<pool_settings> pools;

  const pool_settings* pool(std::string_view name) const;  // null: no such pool
};

std::string_view to_string(log_level x);
std::string_view to_string(tls_mode x);
std::string_view to_string(rate_unit x);
std::string_view to_string(rate_selection x);
std::string_view to_string(signal_source x);
std::string_view to_string(signal_type x);
std::string_view to_string(signal_failure x);
std::string_view to_string(scheduler_loss x);
std::string_view to_string(fake_failure x);
std::string_view to_string(placement_policy x);

}  // namespace troupe
