// What the scheduler core knows at one moment, grouped so that its size doesn't depend on the number
// of tasks. Read by the autoscaler, the gateway, the metrics and the tests.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libruntime/ids.hpp"
#include "libruntime/resources.hpp"
#include "libruntime/time.hpp"

namespace troupe {

// A task's life. `waiting`: for other tasks, or for its retry delay. `assigned`: in a worker's
// window, not known to run.
enum class task_state : std::uint8_t {
  waiting, ready, assigned, running, finished, failed, cancelled,
};
inline constexpr std::size_t task_state_count = 7;
std::string_view to_string(task_state s);
constexpr bool is_terminal(task_state s) { return s >= task_state::finished; }

// A worker's life in the head's eyes.
enum class worker_state : std::uint8_t {
  ready,         // takes tasks
  cordoned,      // takes nothing new
  draining,      // cordoned, and to be stopped when empty
  disconnected,  // its link is gone; it may come back until its lease ends
  lost,
};
std::string_view to_string(worker_state s);

// An interned request: the tasks of one shape can be placed on the same workers.
struct shape {
  resource_set resources;  // with "cpus" always present
  std::string pool;        // empty: any
  friend bool operator==(const shape&, const shape&) = default;
};

// Durations counted in buckets that grow four-fold from 1 µs: `counts[i]` are those of at most
// `bound(i)`, and more than the one before; the last bucket has the rest.
struct duration_histogram {
  static constexpr std::size_t buckets = 17;
  static constexpr duration bound(std::size_t i) { return std::chrono::microseconds{1LL << (2 * i)}; }

  std::array<std::uint64_t, buckets> counts{};
  duration sum{};

  void observe(duration d) {
    ++counts[bucket_of(d)];
    sum += d;
  }
  static constexpr std::size_t bucket_of(duration d) {
    auto us = std::chrono::ceil<std::chrono::microseconds>(d).count();
    if (us <= 1) return 0;
    auto fours = (std::bit_width(static_cast<std::uint64_t>(us) - 1) + 1) / 2;
    return std::min<std::size_t>(static_cast<std::size_t>(fours), buckets - 1);
  }
};

// What has become of the tasks of one function since the head started.
struct function_view {
  std::string name;  // function_key
  std::uint64_t succeeded = 0, failed = 0, cancelled = 0;
  duration_histogram run_time;  // of successes
};

// Ready tasks plus assigned ones that have not started, of one shape and function. Blocked ones are
// not in it.
struct demand_group {
  std::size_t shape = 0;            // index into load_snapshot::shapes
  std::string function;             // function_key
  std::uint64_t ready = 0;
  std::uint64_t assigned = 0;       // unstarted, in windows
  duration expected{};              // of one task: measured, hinted, or default_duration
  bool measured = false;
  time_point oldest_ready{};        // since when the longest-waiting one is ready
  std::vector<std::string> pools;   // that could run it; empty: none can (see `why`)
};

struct running_group {
  std::string function;
  std::uint32_t count = 0;
  duration elapsed{};  // of the longest-running one
  duration expected{};
};

struct worker_load {
  worker_id id;
  std::string name;
  std::string pool;
  std::string host;
  std::uint32_t pid = 0;
  worker_state state{};
  std::uint32_t slots = 0;
  std::uint32_t running = 0;     // tasks known or presumed to run: min(window, slots)
  std::uint32_t window = 0;      // everything assigned, running ones included
  resource_set resources;
  std::optional<resource_set> free;  // what running tasks leave of them; nothing: not known
  duration remaining{};          // expected, of all in the window, divided by slots
  time_point idle_since{};       // when `window` became 0; meaningless while it isn't
  time_point registered_at{};
  time_point last_heard{};
  std::uint64_t memory_used = 0;
  std::uint64_t memory_limit = 0;
  std::string instance;          // launch request id of its provider; empty if none
};

struct load_snapshot {
  time_point now{};
  std::array<std::uint64_t, task_state_count> tasks{};  // by task_state
  std::uint64_t retained_results = 0;
  std::uint64_t result_bytes = 0;
  duration_histogram wait;  // of all tasks since the start, from ready to being given to a worker
  std::vector<shape> shapes;
  std::vector<demand_group> demand;
  std::vector<running_group> running;
  std::vector<worker_load> workers;
};

}  // namespace troupe
