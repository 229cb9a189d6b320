// Which ready task is next. By class; within a class by priority, then tasks that were placed
// before (a lost worker's, recalled ones), then the job that has been served least, counted in
// expected run time ("start-time fair queueing": jobs of short and of long tasks share the time),
// then index.
//
// Removal is lazy: a queued entry whose task is ready no longer is skipped; the counts are exact.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "libruntime/scheduler/catalog.hpp"
#include "libruntime/scheduler/job_table.hpp"

namespace troupe::scheduler {

struct task_handle {
  job_record* owner = nullptr;
  task_record* record = nullptr;
  task_id id;
  time_point ready_since{};  // of one that was taken from its queue
};

class ready_queues {
 public:
  ready_queues(job_table& jobs, catalog& kinds) : jobs_(jobs), catalog_(kinds) {}

  // The records are in state ready already.
  void add(job_record& owner, flow& f, std::uint32_t begin, std::uint32_t end, time_point now);
  void add_front(job_record& owner, task_record& record, task_id id, time_point now);
  // The record is about to leave the state ready other than by `take`.
  void remove(job_record& owner, task_record& record);

  struct choice {
    std::uint32_t class_index = 0;
    std::int32_t priority = 0;
    bool front = false;
    double pass = 0;
    job_id owner;
    std::uint32_t flow_number = 0;
    bool before(const choice& other) const;
  };
  // What the class would give next; nothing if none of its tasks is ready.
  std::optional<choice> next(std::uint32_t class_index);
  // Takes up to n of the tasks `c` stands for, `c` being the class's `next`. At least one.
  void take(const choice& c, std::uint64_t n, std::vector<task_handle>& out);

  // Classes with ready tasks, in no order.
  const std::vector<std::uint32_t>& active() const { return active_; }
  // How many different ones there have been.
  std::size_t priorities() const { return served_.size(); }
  // When the task that has waited longest became ready. Looks at the first few of each queue.
  std::optional<time_point> oldest(std::uint32_t class_index) const;
  // A class entry is being reused.
  void reset(std::uint32_t class_index);

 private:
  struct heap_entry {
    double pass;
    job_id owner;
    std::uint32_t flow_number;
    bool operator<(const heap_entry& other) const {  // a max-heap of "most behind"
      if (pass != other.pass) return pass > other.pass;
      return owner > other.owner;
    }
  };
  struct front_entry {
    task_id task;
    time_point since;
  };
  struct level {
    std::int32_t priority = 0;
    std::vector<heap_entry> heap;
    std::deque<front_entry> front;
    std::uint64_t front_count = 0;
    double* served = nullptr;  // the highest pass that was served at this priority
  };

  level& level_of(std::uint32_t class_index, std::int32_t priority);
  void activate(std::uint32_t class_index);
  void count_down(task_class& c, std::uint64_t n);
  bool settle_top(level& l);
  void take_front(level& l, std::uint64_t n, std::vector<task_handle>& out);
  void take_flow(level& l, const choice& c, std::uint64_t n, std::vector<task_handle>& out);

  job_table& jobs_;
  catalog& catalog_;
  std::vector<std::vector<level>> classes_;  // by class; levels by falling priority
  std::vector<std::uint32_t> active_;
  std::map<std::int32_t, double> served_;
};

}  // namespace troupe::scheduler
