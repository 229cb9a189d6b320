// What a task is, as its submitter describes it. The tasks of one map or array share one spec; what
// differs between them is only the arguments.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libruntime/boxed.hpp"
#include "libruntime/fields.hpp"
#include "libruntime/resources.hpp"
#include "libruntime/time.hpp"
#include "libruntime/value.hpp"

namespace troupe {

enum class task_kind : std::uint8_t { call, exec };

// When a task with dependencies may run.
enum class run_condition : std::uint8_t {
  all_succeeded,  // a failed dependency fails this task too
  always,         // when all have ended, however
};

// Where a call runs inside its worker.
enum class isolation : std::uint8_t {
  thread,   // in a slot's thread
  process,  // in a child process: a crash costs one task
};

// A command: argv[0] is looked up in PATH. In every string, "{}" is replaced by the task's entry
// (of --each-line) where it has one.
struct exec_spec {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;  // added to the worker's
  std::string cwd;                                       // empty: the worker's scratch folder
  std::string stdin_data;                                // given to the command, then end of file
  TROUPE_FIELDS(argv, env, cwd, stdin_data)
  friend bool operator==(const exec_spec&, const exec_spec&) = default;
};

struct task_options {
  resource_set resources;     // without "cpus", 1 is meant
  std::string pool;           // run only there; empty: anywhere that fits
  std::int32_t priority = 0;  // higher first
  std::uint16_t retries = 0;  // after a task_error or timed_out
  duration retry_delay{};     // doubles with each retry, at most 5 minutes
  std::uint16_t crash_limit = 0;  // workers that may die under it; 0: the cluster's
  duration timeout{};             // of one attempt; 0: none
  duration expected{};            // a hint until measured; 0: none
  run_condition run_when = run_condition::all_succeeded;
  isolation isolated = isolation::thread;
  std::uint64_t memory_limit = 0;  // bytes, of an exec or isolated call; 0: none

  TROUPE_FIELDS(resources, pool, priority, retries, retry_delay, crash_limit, timeout, expected,
                run_when, isolated, memory_limit)
  friend bool operator==(const task_options&, const task_options&) = default;
};

struct task_spec {
  task_kind kind = task_kind::call;
  std::string function;  // of a call
  exec_spec command;     // of an exec
  task_options options;
  TROUPE_FIELDS(kind, function, command, options)
  friend bool operator==(const task_spec&, const task_spec&) = default;
};

// The key under which durations and counts are kept: the function's name, or the command's argv[0]
// in brackets: "[convert]".
std::string function_key(const task_spec& spec);

// Arguments of a call are one value: a MessagePack array. The result of another task is named in
// it by an extension object of this type whose body is one big-endian u32: the position in the
// task's list of inputs. The worker puts the input's bytes in its place (see splice_inputs).
inline constexpr std::int8_t input_extension = 1;

// Puts the bytes of inputs[i] where `args` names input i. Fails on a position out of range.
result<value> splice_inputs(const value& args, const boxed_vector<value>& inputs);

// Arguments of an exec are one value: nil, or a map with "entry" (string): the line of --each-line.
// Dependencies of an exec are for order only; its data goes through files.

// The result of an exec.
struct exec_result {
  int exit_code = 0;        // -1 when a signal ended it
  int signal = 0;           // 0 when it exited
  std::string stdout_data;  // at most 64 KiB each; the whole is in the logs
  std::string stderr_data;
  bool truncated = false;   // either stream was longer
};
value encode(const exec_result& r);          // {exit_code, signal, stdout, stderr, truncated}
result<exec_result> decode_exec_result(const value& v);

}  // namespace troupe
