// Ready tasks in and out of their queues: by jobs that take turns, and by how they become ready.
#include "libruntime/scheduler/ready_queues.hpp"

#include <benchmark/benchmark.h>
#include <memory>
#include <vector>

namespace troupe::scheduler {
namespace {

// Jobs of one class, `tasks` each, ready to be queued.
class queued_jobs {
 public:
  queued_jobs(std::uint32_t jobs, std::uint32_t tasks) {
    task_spec spec;
    spec.function = "f";
    auto index = kinds_.intern_template(spec);
    class_index_ = kinds_.spec(index).class_index;
    for (std::uint32_t j = 0; j < jobs; ++j) {
      auto& job = table_.create();
      for (std::uint32_t i = 0; i < tasks; ++i) job.tasks.append();
      auto& f = *job.flows.emplace_back(std::make_unique<flow>());
      f.class_index = class_index_;
      job.flow_by_class[{class_index_, 0}] = 0;
      job.templates.push_back({index, 0, class_index_});
      jobs_.push_back(&job);
    }
    queues_ = std::make_unique<ready_queues>(table_, kinds_);
  }

  void add(std::uint32_t begin, std::uint32_t end) {
    for (auto* job : jobs_) {
      for (auto i = begin; i < end; ++i) job->tasks[i].state = task_state::ready;
      queues_->add(*job, *job->flows[0], begin, end, now_);
    }
  }
  // Up to `n` of whatever is next; how many came.
  std::size_t take(std::uint64_t n) {
    out_.clear();
    if (auto choice = queues_->next(class_index_)) queues_->take(*choice, n, out_);
    for (auto& h : out_) {
      h.record->state = task_state::assigned;
      h.record->clear(task_flag::taken);  // as the scheduler does once it has placed it
    }
    return out_.size();
  }

 private:
  job_table table_{1};
  catalog kinds_{std::chrono::milliseconds{500}};
  std::unique_ptr<ready_queues> queues_;
  std::vector<job_record*> jobs_;
  std::uint32_t class_index_ = 0;
  time_point now_{std::chrono::seconds{1}};
  std::vector<task_handle> out_;
};

// A map becomes ready at once and is taken in batches.
void ranges(benchmark::State& state) {
  auto jobs = static_cast<std::uint32_t>(state.range(0));
  auto batch = static_cast<std::uint64_t>(state.range(1));
  const std::uint32_t each = 100'000 / jobs;
  queued_jobs q{jobs, each};
  for (auto _ : state) {
    q.add(0, each);
    std::uint64_t taken = 0;
    while (auto n = q.take(batch)) taken += n;
    if (taken != std::uint64_t{jobs} * each) return state.SkipWithError("tasks were lost");
  }
  state.SetItemsProcessed(state.iterations() * jobs * each);
}
BENCHMARK(ranges)
    ->ArgNames({"jobs", "batch"})
    ->Args({1, 1})
    ->Args({1, 256})
    ->Args({100, 1})
    ->Args({100, 256});

// The tasks of a graph become ready one at a time and out of order.
void one_by_one(benchmark::State& state) {
  constexpr std::uint32_t tasks = 10'000;
  queued_jobs q{1, tasks};
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < tasks; ++i) {
      auto index = (i * 7919u) % tasks;  // coprime: each once
      q.add(index, index + 1);
    }
    std::uint64_t taken = 0;
    while (auto n = q.take(256)) taken += n;
    if (taken != tasks) return state.SkipWithError("tasks were lost");
  }
  state.SetItemsProcessed(state.iterations() * tasks);
}
BENCHMARK(one_by_one);

}  // namespace
}  // namespace troupe::scheduler
