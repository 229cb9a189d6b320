// Runs a worker's tasks: a worker core behind one mutex, and slots, threads that take the next task
// from it themselves. A task passes through no actor and no queue between threads, so that
// microsecond tasks run back to back.
//
// To wake a slot costs more than a short call. So an owner may lend the thread that it gets assignments
// on: calls of functions that have been short of late run there, and should one turn out long, the
// owner is told to go on with another thread.
//
// Called by the worker's actor (any thread may); `wake` tells it that there is something to take.
// Functions run on the executor's threads and the lent one; what they throw becomes their task's error.
// One more thread looks after time limits; it sleeps unless something runs for longer than a moment or
// the lent thread is in use. Others call the stop callbacks of functions, which are their own code.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libruntime/function_registry.hpp"
#include "libruntime/worker/worker_core.hpp"
#include "worker/task_environment.hpp"
#include "worker/task_runner.hpp"
#include "worker/task_settings.hpp"

namespace troupe::worker {

struct executor_settings {
  core_settings core;
  task_settings tasks;
  // Of a call on the lent thread, or of a request for that thread; then others take over. Up to four times
  // as long when none has stayed for eight times as long.
  duration longest_stay = std::chrono::milliseconds{20};
};

class executor;

struct executor_callbacks {
  // take_output() would give something, and did not before. At once, unless tasks of microseconds
  // follow one another: then a few dozen of them share a wake-up. From any thread of the executor;
  // must not block, and not call the executor.
  std::function<void()> wake;
  // Both or none, of an owner that lends its thread. Call run_short() on it, soon, and while the executor
  // lives. From any thread; must not block, and not call the executor.
  std::function<void(executor&)> run_short = {};
  // A call that run_short() began takes long: the thread is not coming back soon. As above; run_short()
  // does not return while it is called.
  std::function<void()> hand_over = {};
};

// What the owner should send to the head, or act on.
struct executor_output {
  std::vector<finished_batch> finished;  // numbered; kept until acknowledged
  std::vector<protocol::attempt_reference> started;
  // Tasks that ignored their stop request past the grace: the worker has to be restarted.
  std::vector<protocol::attempt_reference> stuck;
};

struct executor_load {
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  bool draining = false;
};

struct running_task {
  task_id task;
  attempt_number attempt = 0;
  duration elapsed{};
  double progress = 0;  // 0 to 1, as the function last said
  std::string text;
};

class executor {
 public:
  // The registry must not change any more.
  executor(executor_settings settings, std::shared_ptr<const function_registry> functions,
           executor_callbacks callbacks);
  // Waits for running tasks and run_short(), however long they take: call stop() before.
  ~executor();
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  void define(protocol::worker_template t);
  void assign(protocol::assign message);
  protocol::recalled recall(const protocol::recall& message);
  void cancel(const protocol::cancel_attempts& message);
  void acknowledge(std::uint64_t number);
  void drain();         // starts nothing more, until the next assignment
  void pause(bool on);  // starts nothing while on
  // Runs short calls for half a millisecond at most, or one that turns out long to its end.
  void run_short();

  executor_output take_output();
  std::vector<finished_batch> unacknowledged() const;  // after a reconnect, to be sent again
  std::vector<protocol::held_task> held() const;
  executor_load load() const;
  std::vector<running_task> running() const;
  core_stats stats() const;

  // Starts nothing more, asks running tasks to stop, and waits for them: whether all had ended by the
  // deadline. Later calls with a later deadline wait again.
  bool stop(time_point deadline);

 private:
  struct slot;

  void run_slot(slot& s);
  std::optional<start_order> take_task(slot& s, std::unique_lock<std::mutex>& lock,
                                       duration last_run, time_point& now);
  void begin(slot& s, const start_order& order, time_point now);
  time_point run(slot& s, start_order& order, std::unique_lock<std::mutex>& lock);
  slot& lent_slot();
  bool is_for_lent_thread(worker_core::upcoming next) const;
  void look_after_lent_thread(time_point now);
  bool is_trusted(time_point now) const;
  duration look_interval(time_point now) const;
  bool may_defer(duration run_time, time_point now);
  void keep_time();
  void start_next();
  void arm(time_point when);
  // What a stop order comes to: its ticket may be another task's by the time it is carried out.
  using stop_request = std::pair<std::shared_ptr<stop_control>, stop_reason>;
  void queue_stops(const std::vector<stop_order>& orders);
  void request_stops();
  void add_stopper();
  void look_after_stops(time_point now);
  std::unique_lock<std::mutex> acquire() const;
  bool note_output();  // whether `wake` is to be called, without the lock
  void release(std::unique_lock<std::mutex>& lock, bool wake);

  const executor_settings settings_;
  const std::shared_ptr<const function_registry> functions_;
  const executor_callbacks callbacks_;
  task_runner runner_;

  mutable std::mutex mutex_;  // guards all below; taken by acquire()
  worker_core core_;
  std::vector<std::unique_ptr<slot>> slots_;
  std::vector<std::unique_ptr<slot>> lent_;  // of run_short(): one, and those that were handed over
  std::vector<slot*> by_ticket_;  // the slot that runs it
  std::size_t idle_ = 0;          // slots waiting for work
  bool stopping_ = false;         // no task starts any more
  bool quit_ = false;             // threads end
  bool lent_asked_ = false;       // run_short() was asked for and has not returned or been handed over
  bool lent_waits_ = false;       // asked for, and not begun
  bool lent_late_ = false;        // … for too long: slots do without
  bool lent_used_ = false;        // since the timekeeper last looked
  time_point last_stay_ = clock::now();  // of a call, or of a request
  time_point lent_asked_at_{};
  std::size_t lent_inside_ = 0;   // threads in run_short()
  bool ask_run_short_ = false;    // as soon as the lock is free
  bool output_noted_ = false;     // `wake` was called and nothing taken since
  bool deferred_ = false;         // a wake was put off since the last tick
  time_point output_since_ = time_point::max();  // when the first report not noted came
  time_point tick_at_ = time_point::max();
  std::vector<protocol::attempt_reference> started_, stuck_;
  std::deque<stop_request> stops_;
  std::size_t free_stoppers_ = 0;  // not in a callback
  std::condition_variable work_, time_, empty_, stop_;
  std::thread timekeeper_;
  std::vector<std::thread> stoppers_;  // from the first stop on; more where callbacks hang
};

}  // namespace troupe::worker
