// Names, bounds and words of the cluster's options. See settings_options.hpp; pools and workers:
// pool_options.cpp; the autoscaler: scaling_options.cpp.
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
          .text("How the number of workers follows the work.")
          .live(),
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
