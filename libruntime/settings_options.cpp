// Names, bounds and words of the cluster's options. See settings_options.hpp; pools and workers:
// pool_options.cpp.
#include "libruntime/settings_options.hpp"

namespace troupe {

template <>
struct option_words<log_level> {
  static constexpr std::array words{
      option_word{log_level::trace, "everything, for debugging the runtime itself"},
      option_word{log_level::debug, "each message between processes"},
      option_word{log_level::info, "what happens to workers, pools and jobs"},
      option_word{log_level::warning, "what may need attention"},
      option_word{log_level::error, "what went wrong"}};
};

template <>
struct option_words<tls_mode> {
  static constexpr std::array words{
      option_word{tls_mode::on, "every link uses TLS with certificates on both sides"},
      option_word{tls_mode::off, "no encryption and no proof of identity; on loopback only"}};
};

template <>
struct option_words<rate_unit> {
  static constexpr std::array words{
      option_word{rate_unit::workers, "a number of workers"},
      option_word{rate_unit::percent, "percent of the workers there were"}};
};

template <>
struct option_words<rate_selection> {
  static constexpr std::array words{
      option_word{rate_selection::max, "the policy that allows most"},
      option_word{rate_selection::min, "the policy that allows least"},
      option_word{rate_selection::disabled, "never in this direction"}};
};

bool is_label(std::string_view text) {
  constexpr std::string_view inner = "abcdefghijklmnopqrstuvwxyz0123456789-";
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         text.find_first_not_of(inner) == std::string_view::npos;
}

const option_table<identity_settings>& identity_options() {
  using s = identity_settings;
  static const option_table<s> table{
      option("name", &s::name)
          .text("What the cluster is called, in metrics, logs, tags of its machines and commands.")
          .form(label_form),
      option("state_dir", &s::state_dir)
          .text("Folder for the cluster's identity, certificates, launch ledger and logs. Empty: "
                "$XDG_STATE_HOME/troupe/NAME.")
          .path(path_rule::always)};
  return table;
}

static const option_table<retention_settings>& retention_options() {
  using s = retention_settings;
  static const option_table<s> table{
      option("time", &s::time).text("How long a finished job and its results are kept."),
      option("jobs", &s::jobs)
          .text("How many finished jobs are kept; the oldest go first.")
          .at_most(1'000'000)};
  return table;
}

const option_table<scheduler_settings>& scheduler_options() {
  using s = scheduler_settings;
  static const option_table<s> table{
      option("listen", &s::listen)
          .text("Where workers and clients connect and where the HTTP API answers, over TLS. "
                "Port 0: any free one."),
      option("http", &s::http)
          .text("Where the web page, the HTTP API and /metrics answer without TLS, for browsers "
                "and Prometheus on this machine; on loopback only.")
          .absent("off"),
      option("default_duration", &s::default_duration)
          .text("How long a task is expected to run while none of its function has been measured.")
          .at_least(1us),
      option("crash_limit", &s::crash_limit)
          .text("How many workers may die under a task before it fails, unless its submission says "
                "otherwise.")
          .at_least(1)
          .at_most(1000),
      option("max_tasks", &s::max_tasks)
          .text("Tasks known at once, in any state. Submissions beyond it are refused.")
          .at_least(1)
          .at_most(1'000'000'000),
      option("max_peers", &s::max_peers)
          .text("Workers and clients connected at once. More are turned away.")
          .at_least(1)
          .at_most(1'000'000),
      option("handshake_timeout", &s::handshake_timeout)
          .text("How long a new connection may take to say who it is.")
          .at_least(100ms)
          .at_most(5min),
      option("client_grace", &s::client_grace)
          .text("How long the jobs of a client that vanished go on, for it to come back."),
      section("retention", &s::retention, retention_options())
          .text(
              "What is kept of finished jobs, detached ones and others each. Whichever limit is "
              "reached first wins."),
      option("results_memory", &s::results_memory)
          .text("Results that the head itself holds in memory; more are moved to its disk.")
          .at_least(byte_count::mib(1)),
      option("results_disk", &s::results_disk)
          .text("Values on the head's disk. Once neither it nor `results_memory` has room, tasks whose "
                "results must be kept fail."),
      option("event_history", &s::event_history)
          .text("Numbered events kept for those who follow them late.")
          .at_least(100)
          .at_most(10'000'000),
      option("log_level", &s::log).text("What the head and its workers write to their logs.").no_effect()};
  return table;
}

const option_table<security_settings>& security_options() {
  using s = security_settings;
  static const option_table<s> table{
      option("tls", &s::tls).text("Whether connections are encrypted and both sides proven."),
      option("certs", &s::certs)
          .text("Folder with certificates made by `troupe certs init`. Empty: the cluster makes "
                "its own in its state folder.")
          .path(path_rule::always)};
  return table;
}

static const option_table<rate_policy>& rate_policy_options() {
  using s = rate_policy;
  static const option_table<s> table{
      option("type", &s::type).text("What `value` counts.").required(),
      option("value", &s::value)
          .text("At most so many in any `period`.")
          .at_least(1)
          .at_most(1'000'000)
          .required(),
      option("period", &s::period).text("The time it counts over.").at_least(1s).at_most(24h)};
  return table;
}

static const option_table<scale_up_settings>& scale_up_options() {
  using s = scale_up_settings;
  static const option_table<s> table{
      option("stabilization", &s::stabilization)
          .text("Grow only to the lowest target of this last while. 0s: at once.")
          .at_most(1h),
      option("max_step", &s::max_step)
          .text("Workers that one decision may add.")
          .at_least(1)
          .absent("unlimited"),
      sections("policies", &s::policies, rate_policy_options())
          .text("Limits on how fast workers are added."),
      option("select", &s::select).text("Which of several policies counts.")};
  return table;
}

static const option_table<scale_down_settings>& scale_down_options() {
  using s = scale_down_settings;
  static const option_table<s> table{
      option("idle_timeout", &s::idle_timeout)
          .text("How long a worker must have had nothing to do before it may be stopped.")
          .at_most(std::chrono::hours{24 * 7}),
      option("stabilization", &s::stabilization)
          .text("Shrink only to the highest target of this last while. 0s: idle_timeout alone "
                "decides.")
          .at_most(1h),
      option("max_step", &s::max_step)
          .text("Workers that one decision may stop.")
          .at_least(1)
          .absent("unlimited"),
      sections("policies", &s::policies, rate_policy_options())
          .text("Limits on how fast workers are stopped."),
      option("select", &s::select).text("Which of several policies counts."),
      option("drain_deadline", &s::drain_deadline)
          .text("How long a worker that is to stop may finish what it runs. Then its tasks are "
                "stopped and start again elsewhere, charged to nobody.")
          .at_least(1s)};
  return table;
}

const option_table<scaling_settings>& scaling_options() {
  using s = scaling_settings;
  static const option_table<s> table{
      option("enabled", &s::enabled)
          .text("false: workers are only added or stopped by `troupe scale`, within min and max."),
      option("target_duration", &s::target_duration)
          .text("How long the queued work should take: half of it means about twice the workers.")
          .at_least(1ms)
          .at_most(std::chrono::hours{24 * 7}),
      option("tolerance", &s::tolerance)
          .text("No change while the demand is within this share of the workers there are.")
          .at_least(0)
          .at_most(1),
      section("scale_up", &s::scale_up, scale_up_options()).text("How a pool grows."),
      section("scale_down", &s::scale_down, scale_down_options()).text("How a pool shrinks.")};
  return table;
}

const option_table<autoscaler_settings>& autoscaler_options() {
  using s = autoscaler_settings;
  static const option_table<s> table =
      option_table<s>{
          option("interval", &s::interval)
              .text("How often targets are decided.")
              .at_least(10ms)
              .at_most(10min),
          option("reaction_time", &s::reaction_time)
              .text(
                  "A ready task that no worker has room for is a reason to decide at once, but no "
                  "more often than this.")
              .at_least(1ms)
              .at_most(1min),
          option("history", &s::history)
              .text("Decisions kept, with their reasons.")
              .at_least(10)
              .at_most(100'000)}
          .after(scaling_options());
  return table;
}

const option_table<cluster_settings>& cluster_options() {
  using s = cluster_settings;
  // A file that says nothing of pools gets a worker on this machine while there is work.
  auto only = option_value::map();
  only.add("name", option_value::scalar("local"));
  only.add("max", option_value::scalar("1"));
  auto standard_pools = option_value::list();
  standard_pools.children.push_back(std::move(only));
  static const option_table<s> table{
      section("cluster", &s::cluster, identity_options()).text("Which cluster this is."),
      section("scheduler", &s::scheduler, scheduler_options())
          .text("The head: where it listens, what it keeps, what it refuses."),
      section("security", &s::security, security_options()).text("Who may talk to whom."),
      // Before the pools, which take from it what they don't say themselves.
      section("autoscaler", &s::autoscaler, autoscaler_options())
          .text("How the number of workers follows the work."),
      sections("pools", &s::pools, pool_options())
          .text("Groups of like workers. Without this key: one pool `local` of at most one worker "
                "with all cores of this machine. []: only workers started by hand.")
          .named_by("name")
          .when_absent(std::move(standard_pools))
          .each_from(+[](const cluster_settings& so_far) {
            pool_settings pool;
            pool.autoscaler = so_far.autoscaler;
            return pool;
          })};
  return table;
}

}  // namespace troupe
