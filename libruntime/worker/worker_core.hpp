// The worker core: which assignment starts next, what is still to be reported. Pure: no thread, no
// clock, no process. The executor owns it, behind one mutex, and does what it says.
//
//   head's messages ─▶ define, assign, recall, cancel, acknowledge, drain
//   free slots      ─▶ next() ─▶ (run) ─▶ finish()
//   a tick          ─▶ tick(): tasks over their time, tasks to be announced, tasks that won't stop
//   reports         ◀─ take_finished(): numbered batches, kept until acknowledged
//
// A contradictory message (an attempt that is over, one that is held already) is refused and counted
// in stats().stale; it is never fatal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libruntime/function_registry.hpp"
#include "libruntime/protocol/messages.hpp"
#include "libruntime/task_context.hpp"
#include "libruntime/time.hpp"
#include "libruntime/worker/index_pool.hpp"
#include "libruntime/worker/task_map.hpp"

namespace troupe::worker {

struct core_settings {
  std::uint32_t slots = 1;
  resource_set resources;            // "cpus" in it, else `slots` of them
  std::vector<std::string> indexed;  // resources whose units are told apart; whole amounts
  // At most so many at once, however little they ask for (a task may ask for 0.1 or no cpus).
  // 0: four a slot.
  std::uint32_t max_running = 0;
  std::uint32_t max_window = 1'000'000;    // held, unacknowledged ones included; more are refused
  std::uint32_t max_templates = 100'000;
  duration started_after = std::chrono::milliseconds{20};  // shorter tasks are only ever finished
  // From a stop request until a call is stuck. Processes (commands, isolated calls) are killed after
  // it by their slot; they are stuck only if that takes as long again.
  duration cancel_grace = std::chrono::seconds{5};
  // A call that takes no longer is cheaper to run than to hand to another thread.
  duration short_call = std::chrono::microseconds{20};
  // Where functions are looked up, once a template; may be missing.
  const function_registry* functions = nullptr;
  std::size_t batch_items = 4096;                   // of one `finished`
  std::size_t batch_bytes = std::size_t{256} << 10;
};

// Names a running task from next() to finish().
using ticket = std::uint32_t;

// A task to run now.
struct start_order {
  worker::ticket ticket = 0;
  task_id task;
  attempt_number attempt = 0;
  const task_spec* spec = nullptr;  // until finish()
  const registered_function* function = nullptr;  // of a call, if it is known
  value arguments;
  boxed_vector<value> inputs;
  const assigned_resources* resources = nullptr;  // until finish()
};

// A running task to be asked to end.
struct stop_order {
  worker::ticket ticket = 0;
  stop_reason why{};
};

struct tick_result {
  std::vector<stop_order> stop;                      // over their time limit
  std::vector<protocol::attempt_reference> started;  // running for a moment now
  std::vector<protocol::attempt_reference> stuck;    // asked to end `cancel_grace` ago, still there
};

struct core_stats {
  std::uint64_t assigned = 0;   // accepted
  std::uint64_t finished = 0;   // reported, refusals included
  std::uint64_t stale = 0;      // messages about attempts that are over, unknown or held already
  std::uint64_t refused = 0;    // assignments failed without being run
  std::uint64_t given_back = 0;
};

using finished_batch = std::shared_ptr<const protocol::finished>;

class worker_core {
 public:
  explicit worker_core(core_settings settings);

  // What a template number means from now on: the head uses the numbers of jobs that are gone again.
  // Tasks that were assigned before keep what it meant then.
  void define(protocol::worker_template t);
  // Also ends a drain: the head gives work only to a worker that it has taken back.
  void assign(protocol::assign message);
  protocol::recalled recall(const protocol::recall& message);
  // Unstarted ones are finished as cancelled; running ones are to be stopped as answered.
  std::vector<stop_order> cancel(const protocol::cancel_attempts& message, time_point now);
  void acknowledge(std::uint64_t number);
  // Starts nothing more; what is held unstarted waits to be recalled.
  void drain() { draining_ = true; }
  bool draining() const { return draining_; }
  // Starts nothing while set (too little memory, say); running tasks go on.
  void pause(bool on) { paused_ = on; }

  // The next task that may start: by priority, then arrival. One that doesn't fit yet keeps what it
  // needs from those behind it, so that small tasks never starve a large one.
  std::optional<start_order> next(time_point now);
  // What next() would give. Short: a call of a function whose calls have been short of late; a dozen or
  // two must have been.
  enum class upcoming : std::uint8_t { nothing, short_call, other };
  upcoming look_ahead() const;
  std::optional<start_order> next_short(time_point now);
  // Of a running one of next_short(): it takes long. Others of its function are not started as short ones meanwhile.
  void turned_out_long(ticket t);

  // A running task has ended. What it came to is judged by what was asked of it: a cancelled one that
  // failed is cancelled, one over its time has timed out, one that was stopped for a drain and didn't
  // succeed is not reported: the head places it again.
  void finish(ticket t, result<value> outcome, time_point now);

  // A stop for every running task, because the worker must go.
  std::vector<stop_order> stop_running(stop_reason why, time_point now);
  tick_result tick(time_point now);
  // When tick() has something to do next; nothing if only a new start could change that. A short call is
  // over before it would be announced, or turns out long.
  std::optional<time_point> next_tick() const;

  // Batches not handed out before, in order.
  std::vector<finished_batch> take_finished();
  bool has_finished() const { return handed_out_ < outbox_.size(); }
  // Handed out and not acknowledged: to be sent again after a reconnect.
  std::vector<finished_batch> unacknowledged() const;
  // Everything there is still to report on: what a reconnecting worker tells its head.
  std::vector<protocol::held_task> held() const;

  std::uint32_t running() const { return static_cast<std::uint32_t>(running_count_); }
  std::uint32_t queued() const { return static_cast<std::uint32_t>(queued_count_); }
  const core_stats& stats() const { return stats_; }
  const core_settings& settings() const { return settings_; }

  // Throws std::logic_error naming the broken invariant. Slow; for tests.
  void check_invariants() const;

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  enum class record_state : std::uint8_t { free, queued, running };

  // A resource request with the worker's own numbers for the names; empty `lacking` if it can fit.
  struct request {
    std::vector<std::pair<std::uint32_t, amount>> amounts;  // by resource number, no zeros
    std::string lacking;  // the resource that this worker never has enough of
    assigned_resources plain;  // what each task of a request without indexes holds
    bool indexes = false;
  };
  // Whether a function's calls are short, as far as can be seen. A machine that is busy makes a short call
  // look long now and then, so a few of those are forgiven; one far above the limit is not.
  class pace {
   public:
    void note(duration run_time, duration limit) {
      if (run_time <= limit)
        score_ = std::min(score_ + 1, highest);
      else if (run_time <= limit * 50)
        score_ = std::max(score_ - (run_time <= limit * 5 ? 4 : 8), 0);
      else
        forget();
    }
    void forget() { score_ = 0; }
    bool is_short() const { return score_ >= highest / 2; }

   private:
    static constexpr int highest = 32;
    int score_ = 0;
  };
  struct task_template {
    task_spec spec;
    const registered_function* function = nullptr;
    request needs;
    pace* calls = nullptr;   // of its function; none for what runs in a process
    std::uint32_t uses = 0;  // records that point here
    bool retired = false;    // its number means something else: kept while it is used
  };
  // What by_task_ has of a task: the record of one that is queued or runs; of one that is finished and
  // still to be acknowledged, the attempt.
  static constexpr task_map::entry finished_mark = 1u << 31;
  static_assert(std::numeric_limits<attempt_number>::digits < 31);
  static bool is_finished(task_map::entry e) { return e != none && (e & finished_mark) != 0; }
  static task_map::entry finished_entry(attempt_number n) { return finished_mark | n; }

  // A task that is queued or runs. Queued ones are in their lane's list.
  struct record {
    task_id task;
    attempt_number attempt = 0;
    record_state state = record_state::free;
    bool exclusive = false;
    std::uint32_t lane = none;
    std::uint32_t previous = none, next = none;
    std::uint64_t arrival = 0;
    task_template* what = nullptr;
    value arguments;
    boxed_vector<value> inputs;
    // A newer attempt that came while this one runs.
    std::unique_ptr<protocol::assignment> successor;
    bool awaits(attempt_number n) const { return successor && successor->attempt == n; }
  };
  // Queued tasks that are alike to the one who chooses: only the first of each lane is looked at.
  struct lane {
    std::int32_t priority = 0;
    bool exclusive = false;
    request needs;
    std::uint32_t first = none, last = none;
  };
  struct execution {
    std::uint32_t record = none;  // none: the ticket is free
    time_point started_at{};
    time_point deadline = time_point::max();
    time_point stuck_at = time_point::max();  // set when it is asked to stop
    stop_reason why = stop_reason::none;
    std::string why_text;
    bool brief = false;  // a short call, so far
    bool announced = false;
    bool stuck = false;
    std::unique_ptr<const assigned_resources> indexed;  // of requests with indexes
  };

  request compile(const resource_set& asked) const;
  std::uint32_t number_of(std::string_view resource) const;
  bool fits(const request& r, const std::vector<amount>& available) const;
  const assigned_resources* take(const request& r, execution& e);
  void give_back(const request& r, execution& e);

  void assign_one(protocol::assignment&& a);
  bool already_known(protocol::assignment& a);  // moves from it if it must wait
  void refuse(const protocol::assignment& a, failure why);
  void let_go(record& r);
  std::uint32_t new_record(const protocol::assignment& a);
  void free_record(std::uint32_t r);  // by_task_ is the caller's
  attempt_number known_attempt(task_map::entry e) const;
  std::uint32_t lane_for(const task_template& t, bool exclusive);
  void enqueue(std::uint32_t r);
  void unlink(std::uint32_t r);
  void finish_unstarted(task_id task, attempt_number attempt, protocol::outcome how, failure why);
  void report(protocol::finished_task&& item);
  std::uint32_t choose() const;
  std::uint32_t choose_among_lanes() const;
  bool is_short(std::uint32_t r) const;
  bool before(const lane& a, const lane& b) const;
  start_order start(std::uint32_t r, time_point now);
  void ask_to_stop(execution& e, stop_reason why, std::string text, time_point now);
  std::optional<protocol::finished_task> judge(const execution& e, result<value>&& outcome,
                                               time_point now) const;
  void check_lists() const;
  void check_amounts() const;
  void check_outbox() const;

  core_settings settings_;
  std::vector<std::string> names_;    // resources by number
  std::vector<amount> total_, free_;  // by number
  std::vector<std::optional<index_pool>> pools_;  // by number, of indexed ones

  std::unordered_map<template_id, std::unique_ptr<task_template>> templates_;
  template_id last_template_;  // most assignments in a row share their template
  task_template* last_ = nullptr;
  std::unordered_map<const task_template*, std::unique_ptr<task_template>> retired_;
  std::unordered_map<std::string, pace> paces_;  // by function
  std::vector<record> records_;
  std::vector<std::uint32_t> free_records_;
  task_map by_task_;
  std::vector<lane> lanes_;
  mutable std::vector<std::uint32_t> order_;  // scratch of choose_among_lanes
  std::vector<execution> executions_;         // by ticket
  std::vector<ticket> free_tickets_;

  std::size_t queued_count_ = 0, running_count_ = 0;
  std::uint64_t arrivals_ = 0;
  bool exclusive_runs_ = false, draining_ = false, paused_ = false;

  std::deque<std::shared_ptr<protocol::finished>> outbox_;  // not acknowledged, by number
  std::size_t handed_out_ = 0;   // how many of them were taken; only the last may be open
  std::size_t open_bytes_ = 0;   // in the open one
  std::size_t usual_items_ = 1;  // of a batch lately: room to reserve
  std::uint64_t next_number_ = 1;
  core_stats stats_;
};

}  // namespace troupe::worker
