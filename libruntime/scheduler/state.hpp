// The inside of the scheduler core: its tables, and the rules as member functions, grouped by the
// file that defines them. Included by the .cpp files of this folder only.
//
// A handle() call goes: event → rules change records and queues → `finish_round` places ready
// tasks, ends jobs and writes out the batches that were collected on the way.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libruntime/scheduler/catalog.hpp"
#include "libruntime/scheduler/core.hpp"
#include "libruntime/scheduler/job_table.hpp"
#include "libruntime/scheduler/ready_queues.hpp"
#include "libruntime/scheduler/timers.hpp"
#include "libruntime/scheduler/worker_table.hpp"

namespace troupe::scheduler {

using error_ptr = std::shared_ptr<const failure>;

inline error_ptr make_error(errc code, std::string message) {
  return std::make_shared<const failure>(failure{code, std::move(message), {}});
}

inline std::uint64_t weight(const value& v) { return v.is_nil() ? 0 : v.size(); }

// Jobs with more tasks than this publish events about single tasks only when something goes wrong.
inline constexpr std::uint64_t quiet_above = 1000;

struct core::state {
  explicit state(core_settings s);

  core_settings settings;
  core_stats stats;
  time_point now{};

  catalog kinds;
  job_table jobs;
  ready_queues ready;
  worker_table workers;
  timer_heap timers;
  std::unordered_map<std::uint64_t, std::unique_ptr<client_session>> sessions;  // by incarnation
  std::unordered_map<client_id, client_session*> clients;
  std::vector<pool_offer> pools;

  std::array<std::uint64_t, task_state_count> counts{};  // of all jobs in the table
  std::uint64_t argument_bytes = 0;                      // of tasks that have not ended
  std::uint64_t credit_out = 0;                          // sum of the sessions' credits
  std::vector<client_session*> starved;                  // wait for credit

  // ---- what this handle() call has collected
  std::vector<worker*> dirty;             // changed: to be refilled and indexed
  std::vector<worker*> talking;           // have messages to go out
  std::vector<std::unique_ptr<worker>> gone;  // removed, still named by the two above
  std::vector<task_id> ended;             // with dependents to be told
  std::vector<job_id> maybe_done;
  std::vector<job_id> speaking;           // jobs with results or an end to announce
  std::vector<action> replies;            // to clients, before any results
  std::vector<protocol::event_record> story;
  std::vector<std::pair<task_id, value>> spills;
  std::vector<worker_id> drained, expired;
  std::vector<task_handle> taken;         // scratch of placement
  std::uint64_t newly_ready = 0, newly_filled = 0;
  std::uint64_t next_event = 1;
  std::uint64_t round = 0;
  std::optional<time_point> announced_wake;
  bool retention_due = false;
  bool steal_timer = false;

  // ---- core.cpp
  void handle(const event& e);
  void begin_round(time_point t);
  void finish_round(actions& out);
  void run_timers();
  void tell(protocol::event_kind kind, job_id job, task_index index, worker_id worker,
            std::string pool, std::string text);
  bool quiet(const job_record& j) const { return j.tasks.size() > quiet_above; }

  // ---- clients.cpp
  void on(const client_joined& e);
  void on(const client_left& e);
  void on(const watch_job& e);
  void end_session(client_session& s);
  void forget_if_unused(client_session& s);
  void resume(client_session& s);
  void resend(job_record& j, client_id to, std::uint64_t key, bool values, bool all);
  void grant(client_session& s);
  void grant_starved();
  client_session* session_of(client_id id);
  bool may(client_id id, const job_record& j) const;

  // ---- submission.cpp
  void on(const from_client& e);
  void take(client_session& s, const protocol::open_job& m);
  void take(client_session& s, const protocol::define_template& m);
  void take(client_session& s, const protocol::add_tasks& m);
  void take(client_session& s, const protocol::close_job& m);
  void take(client_session& s, const protocol::release_results& m);
  void take(client_session& s, const protocol::cancel& m);
  result<void> room_for(std::uint64_t argument_bytes) const;
  result<void> accept_tasks(client_session& s, job_record& j, const protocol::add_tasks& m);
  void append_plain(job_record& j, std::uint32_t template_number, std::uint32_t n,
                    const protocol::new_task* tasks);
  void queue_range(job_record& j, std::uint32_t begin, std::uint32_t end);
  result<void> append_task(client_session& s, job_record& j, std::uint32_t template_number,
                           const protocol::new_task& t);
  void close(job_record& j);
  void reopen(job_record& j);
  void release_hold(job_record& j);
  void refuse(job_record& j, failure why);
  void reply_refused(client_session& s, std::uint64_t key, failure why);
  job_record* job_by_key(client_session& s, std::uint64_t key);

  // ---- dependencies.cpp
  struct edge {
    task_id on;
    bool input = false;
  };
  result<task_id> resolve(client_session& s, const job_record& j, const protocol::task_reference& r);
  result<void> depend(job_record& j, std::uint32_t offset, edge e, error_ptr& broken);
  void use_input(job_record& j, task_record& r);
  void meet_forward(job_record& j, std::uint32_t offset);
  result<void> check_graph(const job_record& j);
  std::string circle_from(const job_record& j) const;
  void drop_inputs(task_record& r);
  void tell_dependents();
  void forget_dependents(const job_record& j, const std::vector<std::uint32_t>& offsets);
  error_ptr dependency_error(const job_record& on_job, const task_record& on, task_id on_id) const;

  // ---- feasibility.cpp
  result<void> check_spec(const task_spec& spec) const;
  result<void> check_function(const task_spec& spec) const;
  result<void> check_resources(const shape& s) const;
  std::vector<const pool_offer*> pools_for(const task_class& c) const;

  // ---- transitions.cpp
  void set_state(job_record& j, task_record& r, task_state to);
  void make_ready(job_record& j, task_record& r, task_id id, bool front);
  void leave_queue(job_record& j, task_record& r, task_id id);
  void assign(worker& w, const task_handle& t, bool fill, bool exclusive);
  void unassign(worker& w, job_record& j, task_record& r);
  void give_back(job_record& j, task_record& r, task_id id, bool new_attempt);
  void finish_task(job_record& j, task_record& r, task_id id, value result);
  void fail_task(job_record& j, task_record& r, task_id id, error_ptr error);
  void cancel_task(job_record& j, task_record& r, task_id id, const error_ptr& error);
  void end_task(job_record& j, task_record& r, task_id id);
  bool retry(job_record& j, task_record& r, task_id id, const failure& why);
  void finish_jobs();
  const task_options& options_of(const job_record& j, const task_record& r) const {
    return kinds.spec(j.templates[r.spec].spec).spec.options;
  }
  task_class& class_of(const job_record& j, const task_record& r) {
    return kinds.klass(j.templates[r.spec].class_index);
  }
  const task_class& class_of(const job_record& j, const task_record& r) const {
    return kinds.klass(j.templates[r.spec].class_index);
  }
  task_handle find(task_id id);
  std::string name_of(const job_record& j, const task_record& r, task_id id) const;

  // ---- cancellation.cpp
  void cancel(job_record& j, const std::vector<protocol::index_range>& ranges, const std::string& reason);
  void cancel_one(job_record& j, std::uint32_t offset, const error_ptr& error);
  void on(const retry_tasks& e);
  void revive(job_record& j, std::uint32_t offset);

  // ---- workers.cpp
  void on(const worker_joined& e);
  void on(const worker_disconnected& e);
  void on(const worker_died& e);
  void on(const cordon_worker& e);
  void on(const drain_worker& e);
  void on(const pools_changed& e);
  void rejoin(worker& w, const protocol::register_worker& info);
  void lose(worker& w, time_point since, const std::string& why);
  void heard_from(worker& w);
  void check_worker(worker_id id);
  void return_unstarted(worker& w);
  void remove_worker(worker& w, const std::string& reason, bool deliberate);
  std::set<task_id> presumed_running(const worker& w);
  void charge(worker& w, const task_handle& t, const std::string& reason);
  void take_back(worker& w, const task_handle& t, bool new_attempt);
  void forget_recall(worker& w, const task_handle& t);
  error_ptr error_of_cancel(const job_record& j, const task_record& r) const;
  void disown(worker& w, const std::vector<protocol::held_task>& held);
  std::vector<task_id> window_of(const worker& w) const;
  void check_drained(worker& w);
  void touch(worker& w);

  // ---- reports.cpp
  void on(const from_worker& e);
  void take(worker& w, const protocol::started& m);
  void take(worker& w, const protocol::finished& m);
  void take(worker& w, const protocol::recalled& m);
  void take(worker& w, const protocol::heartbeat& m);
  void take_finished(worker& w, const protocol::finished_task& t);
  task_handle held_by(const worker& w, task_id task, attempt_number attempt);
  void mark_running(worker& w, const task_handle& t);

  // ---- placement.cpp
  void place();
  void give(worker& w, const ready_queues::choice& what, std::uint64_t n, bool fill);
  void promote(worker& w);
  bool promote_one(worker& w, bool known);
  void occupy(worker& w, task_record& r, task_id id, std::uint32_t class_index,
              std::uint32_t order);
  void refill(worker& w);
  void place_arrivals();
  void prefetch(worker& w);
  void serve_thirsty();
  void settle_indexes();
  const class_fit& fit(worker_kind& k, std::uint32_t class_index) {
    if (class_index < k.fits.size() && k.fits[class_index].known) return k.fits[class_index];
    return make_fit(k, class_index);
  }
  const class_fit& make_fit(worker_kind& k, std::uint32_t class_index);
  worker* open_for(std::uint32_t class_index);
  std::uint64_t slots_for(std::uint32_t class_index);
  std::uint64_t room_ahead(const worker& w, const class_fit& f, std::uint32_t class_index,
                           std::int32_t priority);
  std::uint64_t turn(const task_class& c) const;
  bool kind_is_wanted(worker_kind& k);

  // ---- stealing.cpp
  void steal();
  void outrank();
  void recall_unstarted(worker& w);
  std::uint64_t recall_from(worker& victim, worker_kind& thief, std::uint64_t wanted);
  std::uint64_t recall_lane(worker& w, lane& l, std::uint64_t n);
  std::uint64_t ahead_ns(const worker& w) const;
  duration wait_behind(const worker& w) const;

  // ---- suspects.cpp
  std::deque<task_id> suspects;
  std::uint64_t suspect_count = 0, reservations = 0;
  void add_suspect(job_record& j, task_record& r, task_id id);
  void drop_suspect(job_record& j, task_record& r);
  void serve_suspects();
  worker* empty_for(std::uint32_t class_index);
  bool reserve_for(std::uint32_t class_index);
  void unreserve(worker& w);

  // ---- results.cpp
  std::uint64_t retained = 0, result_bytes = 0, spilling_bytes = 0;
  std::string disk_trouble;  // why nothing more goes to disk; empty: it does
  std::array<std::deque<task_id>, 3> spillable;  // large, medium, small; oldest first
  // Jobs that are kept after their end, oldest first, and how many tasks they have.
  struct kept_jobs {
    std::deque<std::pair<time_point, job_id>> queue;
    std::uint64_t tasks = 0;
  };
  kept_jobs kept_detached, kept_seen;
  kept_jobs& kept_with(const job_record& j) {
    return j.lifetime == protocol::lifetime::detached ? kept_detached : kept_seen;
  }
  void keep_or_drop(job_record& j, task_record& r, task_id id, const value& result);
  bool needed(const job_record& j, const task_record& r) const;
  void drop_result(task_record& r);
  void drop_if_unneeded(job_record& j, task_record& r);
  void release(job_record& j, std::uint32_t offset);
  void spill_excess();
  void on(const result_spilled& e);
  void on(const result_not_spilled& e);
  error_ptr no_room_for(const job_record& j, const task_record& r, const value& result) const;
  void settle(job_record& j);
  void unsettle(job_record& j);
  void enforce_retention();
  void enforce_retention(kept_jobs& kept, const std::function<bool()>& too_many);
  bool crowded() const;
  void purge(job_record& j);

  // ---- outbox.cpp
  void deliver(job_record& j, const task_record& r, task_id id, value result = {});
  protocol::task_result row_of(const job_record& j, const task_record& r, task_id id,
                               value result) const;
  void announce(job_record& j);
  void speak(worker& w);
  void flush(actions& out);
  void flush_jobs(actions& out);
  void flush_worker(worker& w, actions& out);
  static void send_results(client_id to, std::uint64_t key, job_id id,
                           std::vector<protocol::task_result> items, actions& out);
  error_ptr error_of(const job_record& j, const task_record& r) const;

  // ---- views.cpp, why.cpp, load.cpp, invariants.cpp
  job_view view_of(const job_record& j) const;
  task_view view_of(const job_record& j, std::uint32_t offset, time_point t) const;
  std::string why(const job_record& j, std::uint32_t offset, time_point t) const;
  std::string why_waiting(const job_record& j, const task_record& r, time_point t) const;
  std::string why_ready(const job_record& j, const task_record& r, time_point t) const;
  std::string why_assigned(const task_record& r, const worker& w, time_point t) const;
  std::string why_no_slot(const task_class& c) const;
  std::string why_not_pool(const pool_offer& p, const task_class& c) const;
  std::uint64_t eligible_workers(const task_class& c) const;
  bool could_run(const worker_kind& k, const task_class& c) const;
  bool known_in(const std::string& pool, const std::string& function) const;
  load_snapshot load(time_point t) const;
  void check() const;
};

}  // namespace troupe::scheduler
