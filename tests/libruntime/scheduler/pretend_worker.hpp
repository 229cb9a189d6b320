// A worker for simulations: holds, starts and ends tasks as the real one would, talks over a link
// that keeps order and may break, and knows what it must say again on the next one.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <vector>

#include "libruntime/scheduler/events.hpp"

namespace troupe::scheduler::testing {

using to_head = decltype(from_worker::message);
using to_worker_message = decltype(to_worker::message);

class pretend_worker {
 public:
  struct task {
    attempt_number attempt = 0;
    bool running = false;
    bool exclusive = false;
    std::int32_t priority = 0;
    amount cpus = one_unit;
    std::uint64_t order = 0;
  };

  pretend_worker(worker_id id, protocol::register_worker info) : id_(id), info_(std::move(info)) {}

  worker_id id() const { return id_; }
  bool connected = false;
  std::deque<to_worker_message> inbox;  // on its way from the head
  std::deque<to_head> outbox;           // on its way to the head
  const std::map<task_id, task>& tasks() const { return tasks_; }

  protocol::register_worker registration() const;  // with what it holds now
  void connect();                                  // says again what was not acknowledged
  void disconnect();

  void receive();                         // one message from the inbox
  void run(std::mt19937_64& random);      // starts what fits; may report it
  void end_one(std::mt19937_64& random, double failing);  // one running task ends, at random

 private:
  void take(const protocol::worker_template& m) { templates_[m.id] = m.spec; }
  void take(const protocol::assign& m);
  void take(const protocol::recall& m);
  void take(const protocol::cancel_attempts& m);
  void take(const protocol::ack& m);
  void take(const protocol::drain&) {}
  void report(task_id t, protocol::outcome outcome, std::optional<failure> error = {});

  worker_id id_;
  protocol::register_worker info_;
  std::map<task_id, task> tasks_;
  std::map<template_id, task_spec> templates_;
  std::deque<protocol::finished> unacknowledged_;
  std::uint64_t next_number_ = 1, next_order_ = 0;
};

}  // namespace troupe::scheduler::testing
