// Jobs, addressed by id without hashing, and the clients they belong to. Plain data: the rules are
// in submission.cpp, transitions.cpp and results.cpp.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "libruntime/protocol/messages.hpp"
#include "libruntime/scheduler/ready_set.hpp"
#include "libruntime/scheduler/task_record.hpp"

namespace troupe::scheduler {

// The ready tasks of one job in one class and priority: the unit of fairness.
struct flow {
  std::uint32_t class_index = 0;
  std::int32_t priority = 0;
  ready_set tasks;
  std::uint64_t count = 0;  // ready and in `tasks`
  bool queued = false;      // has an entry in its level's heap
};

struct job_template {
  std::uint32_t spec = 0;  // catalog index, which is also the template_id on the wire, less 1
  std::uint32_t flow = 0;
  std::uint32_t class_index = 0;
};

struct watcher {
  client_id client;
  std::uint64_t key = 0;
  bool values = false;
};

struct client_session;

struct job_record {
  job_id id;
  std::uint64_t key = 0;
  std::string name, owner;
  protocol::lifetime lifetime{};
  bool want_results = true;
  bool held = false;       // takes tasks, runs none until it is closed
  bool open = true;        // may get more tasks
  bool done = false;       // closed and every task over
  bool refused = false;    // done, and its client was told why
  bool had_forward = false;  // some task named one that came later: only then are circles possible
  bool settled = false;    // done, and kept only for people to look at
  task_index first_index = 0;
  bool independent = false;  // a task that can't be taken fails alone
  bool abandoned = false;  // its client was gone too long: it was ended
  bool closed_for_absence = false;  // a detached one whose client was gone too long
  client_session* session = nullptr;  // lives as long as the job

  task_store tasks;
  std::vector<job_template> templates;
  std::vector<std::unique_ptr<flow>> flows;
  std::map<std::pair<std::uint32_t, std::int32_t>, std::uint32_t> flow_by_class;
  std::array<std::uint64_t, task_state_count> counts{};
  double pass = 0;  // expected work served, seconds: who has least is next
  // Tasks that wait for a task of this job that has not been submitted yet, by its offset.
  struct forward_edge {
    task_id from;
    bool input = false;
  };
  std::map<std::uint32_t, std::vector<forward_edge>> forward;

  std::uint64_t released = 0;  // tasks nobody outside wants any more
  std::uint64_t pinned = 0;    // results that dependents still need
  std::vector<watcher> watchers;
  std::vector<protocol::task_result> output;  // of this handle() call
  std::size_t usual_output = 0;               // of the last one that had any: room to reserve
  bool in_outbox = false;
  bool announce_end = false;
  std::shared_ptr<const failure> cancel_error;  // of cancelled tasks that have none of their own
  bool cancelled = false;  // as a whole: tasks that still arrive are cancelled too
  time_point submitted_at{}, ended_at{}, settled_at{};

  std::uint64_t unended() const {
    return counts[0] + counts[1] + counts[2] + counts[3];
  }
  std::uint32_t offset_of(task_index i) const { return i - first_index; }
  bool has_offset(std::uint32_t offset) const { return offset < tasks.size(); }
  task_id id_of(std::uint32_t offset) const { return {id, first_index + offset}; }
};

// One client process, over reconnects: what its incarnation owns.
struct client_session {
  std::uint64_t incarnation = 0;
  client_id client;  // the link it has now; 0 while it has none
  std::string owner;
  bool admin = false;
  time_point gone_since{};
  std::map<std::uint64_t, job_id> jobs;  // by key
  std::uint64_t credit = 0;  // tasks it may still send
  std::uint64_t received = 0;  // tasks that came over the link it has now
  bool starved = false;      // its credit could not be filled up
};

class job_table {
 public:
  explicit job_table(std::uint32_t first) : base_(first == 0 ? 1 : first) {}

  job_record* find(job_id id) {
    auto i = id.value - base_;  // wraps to something large when below
    return i < jobs_.size() ? jobs_[i].get() : nullptr;
  }
  const job_record* find(job_id id) const { return const_cast<job_table*>(this)->find(id); }
  // Whether a job of this id ever was.
  bool issued(job_id id) const { return id.value != 0 && id.value < base_ + jobs_.size(); }

  job_record& create() {
    auto id = job_id{base_ + static_cast<std::uint32_t>(jobs_.size())};
    jobs_.push_back(std::make_unique<job_record>());
    jobs_.back()->id = id;
    ++live_;
    return *jobs_.back();
  }
  void erase(job_id id) {
    jobs_[id.value - base_].reset();
    --live_;
    while (!jobs_.empty() && !jobs_.front()) {
      jobs_.pop_front();
      ++base_;
    }
  }
  std::size_t live() const { return live_; }
  template <class F>
  void each(F f) const {
    for (const auto& j : jobs_)
      if (j) f(*j);
  }

 private:
  std::deque<std::unique_ptr<job_record>> jobs_;
  std::uint32_t base_;
  std::size_t live_ = 0;
};

}  // namespace troupe::scheduler
