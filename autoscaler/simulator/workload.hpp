// The clients of a simulated cluster: submit the load in the scheduler's own messages, know how
// long each task will take, and note how long each waited.
//
// Tasks that stand alone go into one job of their kind, as one user's stream would, renewed now and
// then so that its finished tasks are forgotten; a submission with dependencies is a job of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "autoscaler/simulator/load.hpp"
#include "autoscaler/simulator/waits.hpp"
#include "libruntime/scheduler/events.hpp"

namespace troupe::simulator {

struct task_counts {
  std::uint64_t submitted = 0, blocked = 0, waiting = 0, running = 0;
  std::uint64_t finished = 0, failed = 0, refused = 0;

  std::uint64_t unended() const { return blocked + waiting + running; }
};

class workload {
 public:
  static constexpr client_id client{1};

  explicit workload(std::unique_ptr<load> what);

  // The first thing a scheduler must hear.
  scheduler::event hello() const;
  // When the next submission is due, since the beginning; nothing at the end.
  std::optional<duration> next_at() const;
  // What to send for it. Pre: next_at() has a value.
  void submit(time_point now, std::vector<scheduler::event>& out);
  // Renews or ends the stream where that is due; called after each batch of events.
  void tidy(std::vector<scheduler::event>& out);
  void take(const scheduler::to_client& message, time_point now);

  // ---- for workers
  const work_kind& kind_of(task_id id) const;
  const resource_set& resources_of(task_id id) const;
  duration run_time_of(task_id id) const;
  void started(task_id id, time_point now);
  void interrupted(task_id id);  // it was running, and waits again

  const task_counts& counts() const { return counts_; }
  const std::string& why_refused() const { return why_refused_; }  // the first job that was; ""
  const wait_record& waits() const { return waits_; }
  std::function<void(duration wait)> on_first_start;  // of each task; may be empty
  bool over() const { return !upcoming_ && counts_.unended() == 0; }
  time_point last_end() const { return last_end_; }
  // When a task was last submitted, started for the first time, or ended.
  time_point last_progress() const { return last_progress_; }
  duration longest_task() const { return longest_task_; }  // of those submitted so far
  double work_done() const { return work_done_; }  // cpu-seconds of finished tasks

 private:
  enum class phase : std::uint8_t { blocked, waiting, running, ended };
  struct task {
    time_point ready_at{};
    duration run_time{};
    std::uint32_t kind = 0;
    std::uint32_t missing = 0;  // tasks before it that have not ended
    workload::phase state{};
    bool has_started = false;
  };
  struct job {
    std::uint64_t key = 0;
    std::vector<task> tasks;
    std::map<std::uint32_t, std::vector<std::uint32_t>> dependents;
    std::vector<std::uint32_t> templates;  // kinds, in the order in which they were defined
  };
  using events = std::vector<scheduler::event>;

  void stream(const submission& s, time_point now, events& out);
  job& open(events& out, bool hold);
  void add(job& j, const submission& s, time_point now, events& out);
  void send(job& j, const submission& s, std::size_t begin, std::size_t end, events& out);
  std::uint32_t template_of(job& j, std::uint32_t kind, events& out);
  void close(events& out);
  void ended(job& j, std::uint32_t index, protocol::outcome how, time_point now);
  void become(task& t, phase p);
  std::uint64_t& count(phase p);
  task& at(task_id id) { return jobs_.at(keys_.at(id.job.value)).tasks[id.index]; }
  const task& at(task_id id) const { return jobs_.at(keys_.at(id.job.value)).tasks[id.index]; }

  std::unique_ptr<load> load_;
  std::optional<submission> upcoming_;
  std::vector<resource_set> resources_;                    // by kind, with "cpus"
  std::unordered_map<std::uint64_t, job> jobs_;            // by key
  std::unordered_map<std::uint32_t, std::uint64_t> keys_;  // by job id
  std::uint64_t last_key_ = 0;
  std::map<std::uint32_t, std::uint64_t> streams_;  // kind → key of the job that takes its tasks
  std::vector<std::uint32_t> full_;                 // kinds whose job has become long
  task_counts counts_;
  std::string why_refused_;
  std::uint64_t ended_ = 0;
  wait_record waits_;
  time_point last_end_{}, last_progress_{};
  duration longest_task_{};
  double work_done_ = 0;
};

}  // namespace troupe::simulator
