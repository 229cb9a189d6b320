// Names, bounds and words of the options of a pool and its workers. See settings_options.hpp.
#include "libruntime/settings_options.hpp"

namespace troupe {

template <>
struct option_words<scheduler_loss> {
  static constexpr std::array words{
      option_word{scheduler_loss::finish, "running tasks go on until death_timeout"},
      option_word{scheduler_loss::stop, "running tasks are stopped at once"}};
};

template <>
struct option_words<placement_policy> {
  static constexpr std::array words{
      option_word{placement_policy::pack, "the busiest worker first, so that others fall idle"},
      option_word{placement_policy::spread, "the least busy worker first"}};
};

template <>
struct option_words<fake_failure> {
  static constexpr std::array words{
      option_word{fake_failure::no_capacity, "nothing of this kind left at the moment"},
      option_word{fake_failure::quota, "the account's limit is reached"},
      option_word{fake_failure::throttled, "asked too often"},
      option_word{fake_failure::rejected_credentials, "not allowed"},
      option_word{fake_failure::invalid_request, "can never work"},
      option_word{fake_failure::ambiguous, "no answer: it may or may not have been started"},
      option_word{fake_failure::transient, "an error that may pass"}};
};

namespace {

bool is_variable(std::string_view text) {
  constexpr std::string_view allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr text_form variable_form{"letters, digits and _, not beginning with a digit",
                                  "^[A-Za-z_][A-Za-z0-9_]*$", is_variable};

const option_table<local_provider_settings>& local_provider_options() {
  using s = local_provider_settings;
  static const option_table<s> table{
      option("stop_grace", &s::stop_grace)
          .text("How long a worker process has after SIGTERM before it is killed.")
          .at_least(100ms)
          .at_most(1h)};
  return table;
}

const option_table<threads_provider_settings>& threads_provider_options() {
  static const option_table<threads_provider_settings> table{};
  return table;
}

const option_table<fake_provider_settings>& fake_provider_options() {
  using s = fake_provider_settings;
  static const option_table<s> table{
      option("launch_delay", &s::launch_delay).text("From launch until the instance is listed."),
      option("capacity", &s::capacity).text("Instances it can give at once.").absent("unlimited"),
      option("failure_rate", &s::failure_rate)
          .text("The share of launches that fail.")
          .at_least(0)
          .at_most(1),
      option("failure", &s::failure).text("How they fail."),
      option("seed", &s::seed).text("Of the dice: the same seed, the same failures.")};
  return table;
}

const option_table<launch_settings>& launch_options() {
  using s = launch_settings;
  static const option_table<s> table{
      option("backoff_initial", &s::backoff_initial)
          .text("The wait after a worker failed to start; it doubles with each failure, with some "
                "jitter.")
          .at_least(10ms)
          .at_most(1h),
      option("backoff_max", &s::backoff_max)
          .text("The longest such wait.")
          .at_least(10ms)
          .at_most(24h),
      option("replacements_per_minute", &s::replacements_per_minute)
          .text("Workers that died while serving and are replaced at once; more wait as after a "
                "failed start.")
          .at_most(10'000),
      option("max_pending", &s::max_pending)
          .text("Launches under way at once.")
          .at_least(1)
          .at_most(10'000)};
  return table;
}

// The half of a worker's options that says what it is; the other half, how it behaves, follows.
const option_table<worker_settings>& worker_shape_options() {
  using s = worker_settings;
  static const option_table<s> table{
      option("slots", &s::slots)
          .text("Tasks that a worker runs at a time. 0: one for each core of its machine.")
          .at_most(4096),
      option("memory", &s::memory)
          .text("Memory of a worker. auto: all of its machine, or of its control group.")
          .at_least(byte_count::mib(16))
          .absent("auto"),
      option("resources", &s::resources)
          .text("Amounts of anything else that tasks can ask for; they need not be whole."),
      option("modules", &s::modules)
          .text("Shared libraries with functions, loaded at start.")
          .path(path_rule::search),
      option("env", &s::env)
          .text("Added to the environment of the worker and its tasks. Values of names with TOKEN, "
                "SECRET, PASSWORD, CREDENTIAL or KEY in them are never shown.")
          .form(variable_form),
      option("log_dir", &s::log_dir)
          .text("Folder for what tasks print: LOG_DIR/JOB/INDEX.out and .err. A relative one is "
                "below the cluster's state folder."),
      option("scratch", &s::scratch)
          .text("Folder for the files of running tasks, where commands run unless they name another. "
                "A relative one is below the cluster's state folder, and emptied when the head starts."),
      option("program", &s::program)
          .text("The program that runs as worker. Empty: the program that runs the head.")
          .path(path_rule::search)};
  return table;
}

}  // namespace

const option_table<worker_settings>& worker_options() {
  using s = worker_settings;
  static const option_table<s> table =
      option_table<s>{
          option("nice", &s::nice)
              .text("How far workers and their tasks step back for other programs of their machine, as "
                    "nice(1) counts it: for the head, if that is where it runs. Without a rival they have "
                    "all of it. 0: not at all.")
              .at_most(19),
          option("spill", &s::spill)
              .text("Above this share of `memory`, results go to disk.")
              .at_least(0.05)
              .at_most(1)
              .no_effect(),
          option("pause", &s::pause)
              .text("Above this share of `memory`, the worker takes no new task.")
              .at_least(0.05)
              .at_most(1),
          option("terminate", &s::terminate)
              .text("Above this share of `memory`, the worker is restarted.")
              .at_least(0.05)
              .at_most(1),
          option("heartbeat_interval", &s::heartbeat_interval)
              .text("How often a worker says that it lives.")
              .at_least(10ms)
              .at_most(1min),
          option("lost_after", &s::lost_after)
              .text("A worker that was silent for so long is lost: its tasks go to others.")
              .at_least(100ms)
              .at_most(1h),
          option("death_timeout", &s::death_timeout)
              .text("A worker that has not reached the head for so long ends itself.")
              .at_least(1s)
              .at_most(24h),
          option("cancel_grace", &s::cancel_grace)
              .text("How long a cancelled task has to end by itself.")
              .at_most(1h),
          option("on_scheduler_lost", &s::on_scheduler_lost)
              .text("What a worker does with running tasks when the head is gone.")
              .no_effect()}
          .after(worker_shape_options());
  return table;
}

const option_table<pool_settings>& pool_options() {
  using s = pool_settings;
  static const option_table<s> table{
      option("name", &s::name)
          .text("What the pool is called; tasks can ask for it.")
          .form(label_form)
          .required(),
      section_by_type("provider", &s::provider,
                      variant_case<local_provider_settings>{"local", local_provider_options(),
                                                            "Processes on this machine."},
                      variant_case<threads_provider_settings>{"threads", threads_provider_options(),
                                                              "Threads of the head itself."},
                      variant_case<fake_provider_settings>{
                          "fake", fake_provider_options(),
                          "Instances that exist only on paper, for trying things out."})
          .text("What starts the workers. Without it, processes on this machine."),
      option("min", &s::min)
          .text("Workers that are always there. The same as `max`: a pool of fixed size.")
          .at_most(100'000)
          .live(),
      option("max", &s::max)
          .text("Workers there may be at most.")
          .at_most(100'000)
          .absent("unlimited")
          .live(),
      section("worker", &s::worker, worker_options()).text("What each worker is."),
      option("placement", &s::placement)
          .text("Which of several workers that would do gets a task."),
      option("boot_deadline", &s::boot_deadline)
          .text("A worker that has not registered so long after its launch is given up.")
          .at_least(100ms)
          .at_most(24h)
          .live(),
      section("launch", &s::launch, launch_options())
          .text("How starts are paced and retried.")
          .live(),
      option("priority", &s::priority).text("Pools of a higher priority are filled first.").live(),
      option("cost_per_hour", &s::cost_per_hour)
          .text("Of one worker, in any currency. Among pools of one priority, cheaper ones are "
                "filled first.")
          .at_least(0)
          .at_most(1'000'000)
          .live(),
      section("autoscaler", &s::autoscaler, scaling_options())
          .text("What this pool does differently from the cluster's autoscaler.")
          .inherits("autoscaler")
          .live()};
  return table;
}

}  // namespace troupe
