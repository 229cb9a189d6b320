// The commands of `troupe`, one function each to put it into the command line; what a command does
// runs after everything has been parsed. Internal to cli/.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/context.hpp"
#include "libruntime/task_spec.hpp"

namespace troupe::cli {

inline constexpr auto group_cluster = "Clusters";
inline constexpr auto group_work = "Submitting work";
inline constexpr auto group_look = "Looking at it";
inline constexpr auto group_change = "Changing it";
inline constexpr auto group_other = "Other";

struct command_line {
  CLI::App& app;
  context& c;
  std::function<exit_code()> action;  // of the command that was chosen

  // `examples`: one a line, "troupe …" with what it does after "#".
  CLI::App* add(const char* name, const char* group, const char* text, const char* examples);
  static CLI::App* add(CLI::App& parent, const char* name, const char* text, const char* examples);
  void run(CLI::App* command, std::function<exit_code()> f) {
    command->callback([this, f = std::move(f)] { action = f; });
  }
};

// The whole tree, without actions being run: for the program and for completions.
void add_all_commands(command_line& line);

void add_up(command_line& line);
void add_down(command_line& line);
void add_scheduler(command_line& line);
void add_worker(command_line& line);
void add_submit(command_line& line);
void add_call(command_line& line);
void add_map(command_line& line);
void add_run(command_line& line);
void add_result(command_line& line);
void add_status(command_line& line);
void add_jobs(command_line& line);
void add_tasks(command_line& line);
void add_workers(command_line& line);
void add_pools(command_line& line);
void add_logs(command_line& line);
void add_explain(command_line& line);
void add_wait(command_line& line);
void add_cancel(command_line& line);
void add_retry(command_line& line);
void add_scale(command_line& line);
void add_drain(command_line& line);
void add_autoscaler(command_line& line);
void add_config(command_line& line);
void add_bench(command_line& line);
void add_certs(command_line& line);
void add_completions(command_line& line);
void add_version(command_line& line);

// ---- options that several commands share

// Checks whose description stays out of the help, which says it in words.
CLI::Validator in_range(std::int64_t least, std::int64_t most);
CLI::Validator one_of(std::vector<std::string> words);

// How tasks are to run: of submit, call and map.
struct task_flags {
  std::string name, pool, timeout, retry_delay, memory, expected;
  std::vector<std::string> resources;
  std::int32_t priority = 0;
  std::uint32_t retries = 0;
  std::uint32_t crash_limit = task_options{}.crash_limit;

  void add_to(CLI::App& command);
  task_options options() const;  // exit code 2 names the flag that is wrong
};

// Ids on the command line: "12" or "12.3", anything else is bad usage.
struct target_id {
  job_id job;
  bool is_task = false;
  task_index index = 0;
  std::string text;
};
target_id parse_target(const std::string& text);

// Text of a JSON member, "" where it is missing or no text; numbers likewise.
std::string text_at(const json& object, const char* key);
double number_at(const json& object, const char* key);
std::uint64_t count_at(const json& object, const char* key);

}  // namespace troupe::cli
