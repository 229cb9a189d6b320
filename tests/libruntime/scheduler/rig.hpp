// A core with pretend clients and workers around it, driven by hand: each call is one event, its
// actions are applied to what the pretend workers hold and the clients have heard, and every
// invariant is checked after it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "libruntime/scheduler/core.hpp"
#include "tests/support/catch.hpp"

namespace troupe::scheduler::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct worker_options {
  std::uint32_t slots = 1;
  std::string pool = "here";
  std::vector<std::string> functions = {"f", "g"};
  resource_set resources{};  // besides cpus
  std::uint64_t incarnation = 0;  // 0: its id
  std::vector<protocol::held_task> held{};
};

struct job_options {
  protocol::lifetime lifetime = protocol::lifetime::client;
  bool want_results = true;
  bool hold = false;
  task_index first_index = 0;
  std::uint32_t client = 1;
  bool independent = false;
};

// What a pretend worker holds of one task.
struct held {
  attempt_number attempt = 0;
  bool exclusive = false;
  value arguments;
  boxed_vector<value> inputs;
  std::string function;
  bool cancelling = false;
  bool recalled = false;  // it was asked back
};

struct heard {  // by a client, about one job
  std::map<task_index, protocol::task_result> results;
  std::size_t messages = 0, items = 0;
  std::optional<protocol::job_finished> end;
};

task_spec call(std::string function, task_options options = {});
protocol::new_task task(std::vector<protocol::task_reference> inputs,
                        std::vector<protocol::task_reference> after = {}, std::string label = {});
protocol::task_reference in_job(job_id job, task_index index);
protocol::task_reference by_key(std::uint64_t key, task_index index);

class rig {
 public:
  explicit rig(core_settings settings = {});

  // ---- events
  void send(event e);
  void tick(duration d);  // moves the clock, then ticks as often as the core asked for
  void join_client(std::uint32_t id, std::uint64_t incarnation, std::string owner = "ann",
                   bool admin = false);
  void worker(std::uint32_t id, worker_options options = {});
  void pools(std::vector<pool_offer> offers) { send(pools_changed{std::move(offers)}); }
  void die(std::uint32_t id, std::string reason = "killed by signal 9", bool deliberate = false);
  void disconnect(std::uint32_t id);

  job_id open(std::uint64_t key, job_options options = {});
  void define(std::uint64_t key, std::uint32_t number, task_spec spec);
  void add(std::uint64_t key, std::uint32_t count, std::uint32_t number = 0);
  void add(std::uint64_t key, std::vector<protocol::new_task> tasks, std::uint32_t number = 0);
  void close(std::uint64_t key);
  // All of the above in one: `count` calls of `function`.
  job_id map(std::string function, std::uint32_t count, task_options options = {},
             job_options job = {});
  void cancel(job_id job, std::vector<protocol::index_range> tasks = {}, std::string reason = "enough");
  void release(job_id job, task_index begin, task_index end);

  // The worker that holds the task reports.
  void finish(task_id t, value result = {}, duration run_time = milliseconds{10});
  void finish_all(std::uint32_t worker, duration run_time = milliseconds{10});
  void fail(task_id t, std::string message = "boom", errc code = errc::task_error);
  void ended_cancelled(task_id t);
  void started(task_id t);
  // Answers the recalls it has been asked. A worker runs as many of its oldest tasks as it has slots,
  // and keeps those.
  void give_back(std::uint32_t worker);
  void run_everything(int rounds = 100000);  // workers finish what they hold until nothing is held

  // ---- what is so
  std::uint32_t holder(task_id t) const;  // 0: nobody
  std::vector<task_index> window(std::uint32_t worker) const;  // in the order of assignment
  std::size_t held_by(std::uint32_t worker) const;
  task_state state(task_id t) const;
  std::string why(task_id t) const;
  std::uint64_t count(task_state s) const;
  const heard& client(std::uint64_t key, std::uint32_t client = 1) const;
  bool told(protocol::event_kind kind, const std::string& part) const;
  template <class Action>
  std::size_t last() const {  // how many actions of this kind the last event led to
    std::size_t n = 0;
    for (const auto& a : actions) n += std::holds_alternative<Action>(a);
    return n;
  }

  core scheduler;
  time_point now{seconds{1000}};
  scheduler::actions actions;  // of the last call
  std::map<std::uint32_t, std::map<task_id, held>> workers;
  std::map<std::uint32_t, std::vector<task_id>> order;  // of assignment
  std::map<std::pair<std::uint32_t, std::uint64_t>, heard> clients;  // by client and key
  std::map<std::uint64_t, failure> refused;                          // by key
  std::map<std::uint64_t, job_id> jobs;
  std::map<std::uint32_t, std::uint64_t> credit;
  std::map<std::uint32_t, std::uint64_t> received;  // as the last credit said
  std::map<std::uint32_t, std::uint64_t> acked;
  std::vector<std::uint32_t> drained, expired;
  std::map<task_id, value> spills;
  std::vector<protocol::event_record> story;
  std::optional<time_point> wake;
  bool check = true;
  std::set<task_id> ran;  // every task that was ever assigned

 private:
  client_id client_of(std::uint64_t key) const;  // who opened it, or the first one
  void apply(const to_client& a);
  void apply(const to_worker& a);
  void report(std::uint32_t worker, task_id t, protocol::finished_task what);

  std::map<std::uint32_t, std::map<template_id, task_spec>> templates_;
  std::map<std::uint32_t, std::uint64_t> numbers_;
  std::map<std::uint64_t, std::uint32_t> sent_;  // tasks, by key
  std::map<std::uint64_t, std::uint32_t> client_of_;
  std::map<std::uint32_t, worker_options> options_;
  std::uint64_t next_key_ = 1000;
  std::uint64_t last_event_ = 0;
};

}  // namespace troupe::scheduler::testing
