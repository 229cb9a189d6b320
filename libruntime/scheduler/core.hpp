// The scheduler core: which task runs where, and when. Pure: events in, actions out, in batches;
// time is an argument; the same events give the same actions. Owned and called by scheduler_actor
// (or by a simulation), from one thread at a time.
//
// A contradictory event from a peer is input: refused, counted in `stats().stale`, never fatal.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libruntime/scheduler/events.hpp"
#include "libruntime/snapshot.hpp"

namespace troupe::scheduler {

struct core_settings {
  duration default_duration = std::chrono::milliseconds{500};  // of a function not measured yet
  duration client_grace = std::chrono::seconds{30};
  duration worker_lost_after = std::chrono::seconds{10};  // without a heartbeat
  duration worker_lease = std::chrono::seconds{35};  // disconnected: its tasks may run that long
  duration retention_time = std::chrono::hours{1};   // of finished detached jobs
  std::uint32_t retention_jobs = 1000;
  // Tasks of finished detached jobs that are kept (of the last one, all).
  std::uint64_t retention_tasks = 5'000'000;
  // Tasks of others, which are kept only to be looked at, and of unended jobs together: the former make
  // room for the latter.
  std::uint64_t retention_tasks_seen = 1'000'000;
  std::uint64_t max_tasks = 50'000'000;   // not yet ended; more are refused
  std::uint32_t submit_window = 200'000;  // credit of one client, tasks
  std::uint64_t arguments_memory = std::uint64_t{4} << 30;  // bytes of tasks not yet ended
  std::uint64_t results_memory = std::uint64_t{512} << 20;  // bytes in memory before spilling
  duration prefetch_time = std::chrono::milliseconds{5};    // of work queued ahead of each slot
  // Tasks ahead of each slot, of those so short that a message of them is gone before the next can come.
  std::uint32_t prefetch_max = 16384;
  std::uint16_t crash_limit = 3;  // of tasks that set none: workers that may die under one
  bool spread = false;  // placement among equals: spread, not pack
  std::uint32_t first_job = 1;
};

struct core_stats {
  std::uint64_t stale = 0;     // messages about attempts or workers that are over
  std::uint64_t recalled = 0;  // tasks taken back from windows
  std::uint64_t charged = 0;   // crashes charged to tasks
  std::uint64_t finished = 0, failed = 0, cancelled = 0, retried = 0;
  duration_histogram wait;  // of tasks, from ready to being given to a worker
};

// Rows of the views that people see; filled on demand, never in the hot path.
struct job_view {
  job_id id;
  std::string name, owner;
  protocol::lifetime lifetime{};
  task_index first_index = 0;
  bool open = true, done = false, refused = false;
  std::array<std::uint64_t, task_state_count> tasks{};
  time_point submitted_at{}, ended_at{};
  std::optional<failure> error;  // why it was refused or cancelled as a whole
};
struct task_view {
  task_id id;
  task_state state{};
  attempt_number attempt = 0;
  worker_id worker;
  std::string worker_name;
  std::string function;
  std::string label;
  std::string why;  // of a task that isn't running or over
  std::optional<failure> error;
  duration run_time{};
};
struct task_filter {
  std::optional<job_id> job;
  std::optional<task_state> state;
  std::uint64_t offset = 0;
  std::uint64_t limit = 1000;
};

class core {
 public:
  explicit core(core_settings settings = {});
  ~core();
  core(core&&) noexcept;
  core& operator=(core&&) noexcept;

  // Appends to `out`; never sends. Placement happens at the end of each call.
  void handle(const event& e, time_point now, actions& out);
  // Several events with one placement at the end: how an actor should empty its mailbox.
  void handle(std::vector<event>& batch, time_point now, actions& out);

  load_snapshot snapshot(time_point now) const;
  const core_stats& stats() const;
  std::vector<function_view> functions() const;  // the most recent thousands

  std::vector<job_view> jobs() const;  // newest first
  std::optional<job_view> job(job_id id) const;
  std::vector<task_view> tasks(const task_filter& filter, time_point now) const;
  // Why the task isn't running, in words; or in which state it is and since when.
  result<std::string> why(task_id id, time_point now) const;
  // A finished task's value, for those who didn't have it pushed; result_lost once it is released.
  result<value> result_of(task_id id) const;
  // Whether this client may read, cancel or retry the job: its own (by owner), or as admin.
  result<void> may_touch(client_id client, job_id job) const;

  // Throws std::logic_error naming the broken invariant. Slow; for tests.
  void check_invariants() const;

 private:
  struct state;
  friend struct invariant_check;
  std::unique_ptr<state> state_;
};

}  // namespace troupe::scheduler
