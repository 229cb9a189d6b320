// Names, bounds and words of the autoscaler's options. See settings_options.hpp.
#include "libruntime/settings_options.hpp"

namespace troupe {

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

template <>
struct option_words<signal_source> {
  static constexpr std::array words{
      option_word{signal_source::prometheus, "the answer to `query`"},
      option_word{signal_source::waiting_time_p95,
                  "seconds that 95 of 100 tasks of the last minute waited at most"},
      option_word{signal_source::queue_depth, "tasks that wait and could run in these pools"},
      option_word{signal_source::slot_utilisation,
                  "the share of the pools' slots that are at work, 0 to 1"}};
};

template <>
struct option_words<signal_type> {
  static constexpr std::array words{
      option_word{signal_type::value, "as many workers as bring `value` to the target"},
      option_word{signal_type::average_value, "a worker for each `target` of it"}};
};

template <>
struct option_words<signal_failure> {
  static constexpr std::array words{
      option_word{signal_failure::hold, "the last good value goes on counting"},
      option_word{signal_failure::at_least, "it asks for `at_least` workers"},
      option_word{signal_failure::ignore, "it asks for no more workers"}};
};

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
      option("select", &s::select).text("Which of several policies counts."),
      option("initial_burst", &s::initial_burst)
          .text("A pool grows to so many workers at once, whatever `policies` and `max_step` say.")
          .at_most(100'000)};
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
      option("zero_cooldown", &s::zero_cooldown)
          .text("How long the last worker of a pool stays after the pool's last work, in place of "
                "idle_timeout where that is less.")
          .at_most(std::chrono::hours{24 * 7}),
      option("drain_deadline", &s::drain_deadline)
          .text("How long a worker that is to stop may finish what it runs. Then its tasks are "
                "stopped and start again elsewhere, charged to nobody.")
          .at_least(1s)};
  return table;
}

static const option_table<scheduled_min_settings>& schedule_options() {
  using s = scheduled_min_settings;
  static const option_table<s> table{
      option("cron", &s::cron)
          .text("When it begins: minute, hour, day of the month, month and day of the week, such as "
                "\"0 8 * * 1-5\".")
          .required(),
      option("min", &s::min)
          .text("Workers there are at least, within the pool's maximum.")
          .at_most(100'000)
          .required(),
      option("for", &s::lasts)
          .text("How long it holds, or `open`: until an entry of the schedule begins. Where several hold "
                "at once, the largest counts.")
          .at_least(1min)
          .at_most(std::chrono::hours{24 * 366})
          .absent("open"),
      option("timezone", &s::timezone)
          .text("Whose clock `cron` means: UTC, an offset such as +02:00, or a name such as "
                "Europe/Berlin.")};
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
      section("scale_down", &s::scale_down, scale_down_options()).text("How a pool shrinks."),
      sections("schedule", &s::schedule, schedule_options())
          .text("Minimums by the clock, beside the pool's `min`.")};
  return table;
}

static const option_table<budget_settings>& budget_options() {
  using s = budget_settings;
  static const option_table<s> table{
      option("per_hour", &s::per_hour)
          .text("What all instances together may cost an hour, by their pools' cost_per_hour.")
          .at_least(0)
          .at_most(1e9)
          .absent("unlimited"),
      option("total", &s::total)
          .text("What may be spent since the head started. Once it is, pools that cost something "
                "launch nothing more and drain, even below their minimum.")
          .at_least(0)
          .at_most(1e9)
          .absent("unlimited")};
  return table;
}

static const option_table<prometheus_settings>& prometheus_options() {
  using s = prometheus_settings;
  static const option_table<s> table{
      option("url", &s::url)
          .text("Of the server, such as https://prometheus.example:9090; /api/v1/query is added."),
      option("username", &s::username).text("For basic authentication."),
      option("password", &s::password).text("For basic authentication.").absent("none").secret(),
      option("password_file", &s::password_file)
          .text("A file with the password, read at every query.")
          .path(path_rule::always),
      option("token", &s::token).text("For bearer authentication.").absent("none").secret(),
      option("token_file", &s::token_file)
          .text("A file with the token, read at every query.")
          .path(path_rule::always),
      option("ca_file", &s::ca_file)
          .text("Authorities (PEM) that may vouch for an https server. Empty: those that the system "
                "trusts.")
          .path(path_rule::always)};
  return table;
}

static const option_table<signal_settings>& signal_options() {
  using s = signal_settings;
  static const option_table<s> table{
      option("name", &s::name)
          .text("What it is called, in metrics, decisions and reasons.")
          .form(label_form)
          .required(),
      option("source", &s::source).text("Where the number comes from."),
      option("query", &s::query)
          .text("PromQL that gives one number: a scalar, or a vector of one series."),
      option("pools", &s::pools)
          .text("The pools it asks workers of, filled by priority and cost. []: all that have "
                "nothing special (accelerators, licences), or all where each has."),
      option("type", &s::type)
          .text("How the number becomes workers: `value` keeps it at the target by a change in "
                "proportion; `average_value` divides it by the target.")
          .absent("by source"),
      option("target", &s::target)
          .text("What the number should be, or its share for each worker; more than 0.")
          .at_least(0)
          .required(),
      option("activation", &s::activation)
          .text("At or below it, the signal asks for no worker; above it, for one at least."),
      option("interval", &s::interval)
          .text("How often the query is asked.")
          .at_least(100ms)
          .at_most(1h),
      option("timeout", &s::timeout)
          .text("How long an answer may take.")
          .at_least(10ms)
          .at_most(5min),
      option("freshness", &s::freshness)
          .text("An older answer counts as none.")
          .at_least(1s)
          .at_most(24h),
      option("hold_for", &s::hold_for)
          .text("How long the last good number counts when there is none.")
          .at_most(24h),
      option("on_failure", &s::on_failure)
          .text("What counts after that. An outage never stops a worker, whichever it is."),
      option("at_least", &s::at_least)
          .text("Workers to ask for where `on_failure` is at_least.")
          .at_most(100'000)};
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
              .at_most(100'000),
          option("max_workers", &s::max_workers)
              .text("Workers of all pools together there may be at most: requested, booting, at work and "
                    "draining.")
              .at_most(1'000'000)
              .absent("unlimited"),
          section("budget", &s::budget, budget_options())
              .text("What the workers may cost. A worker costs from its launch on."),
          section("prometheus", &s::prometheus, prometheus_options())
              .text("The server that answers the signals' queries."),
          sections("signals", &s::signals, signal_options())
              .text("Numbers that ask for workers, beside the queue; the largest demand counts.")
              .named_by("name")}
          .after(scaling_options());
  return table;
}

}  // namespace troupe
