// The scheduler core's events, with pretend workers around it: only the time in the core counts.
#include <benchmark/benchmark.h>

#include "bench/simulated_cluster.hpp"

namespace troupe::bench {
namespace {

constexpr std::uint32_t tasks = 100'000;

simulation_outcome simulate(std::uint32_t workers) {
  simulation_settings s;
  s.workers = workers;
  s.tasks = tasks;
  return simulated_cluster{s}.run();
}

// From submission to result, all of a task's events.
void tasks_to_their_end(benchmark::State& state) {
  for (auto _ : state) {
    auto outcome = simulate(static_cast<std::uint32_t>(state.range(0)));
    if (outcome.finished != tasks) return state.SkipWithError("tasks were lost");
    state.SetIterationTime(to_seconds(outcome.core_time));
  }
  state.SetItemsProcessed(state.iterations() * tasks);
}
BENCHMARK(tasks_to_their_end)
    ->Arg(10)
    ->Arg(1000)
    ->Arg(10'000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace troupe::bench
