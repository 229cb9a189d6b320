// Prints what a task costs the core at several sizes: the cost must not grow with the number of
// workers or tasks. Not a test; run it from a release build: bin/scheduler_scaling [max tasks]
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "tests/libruntime/scheduler/simulated_cluster.hpp"

using namespace troupe::scheduler::testing;

namespace {

void measure(const char* what, simulation_settings s) {
  auto r = simulated_cluster{s}.run();
  std::printf("%-28s %6u workers x %3u slots %9u tasks: %6.0f ns a task (%4.0f of it to submit), "
              "%8llu events, %6llu recalls, simulated %.2f s\n",
              what, s.workers, s.slots, s.tasks, r.ns_per_task(s.tasks),
              static_cast<double>(r.submit_time.count()) / s.tasks,
              static_cast<unsigned long long>(r.events),
              static_cast<unsigned long long>(r.stats.recalled), troupe::to_seconds(r.makespan));
  std::fflush(stdout);
}

void memory() {
  using namespace troupe;
  constexpr std::uint32_t tasks = 10'000'000;
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  scheduler::core_settings settings;
  settings.submit_window = tasks;
  scheduler::core core{settings};
  scheduler::actions out;
  time_point now{std::chrono::seconds{1}};
  core.handle(scheduler::client_joined{client_id{1}, 1, "ann", false}, now, out);
  core.handle(scheduler::from_client{client_id{1}, protocol::open_job{1, "m", {}, true, false, 0}},
              now, out);
  task_spec spec;
  spec.function = "f";
  core.handle(scheduler::from_client{client_id{1}, protocol::define_template{1, 0, spec}}, now, out);
  core.handle(scheduler::from_client{client_id{1}, protocol::add_tasks{1, 0, 0, tasks, {}}}, now, out);
  getrusage(RUSAGE_SELF, &after);
  std::printf("memory of %u queued tasks without arguments: %.0f bytes each\n", tasks,
              1024.0 * static_cast<double>(after.ru_maxrss - before.ru_maxrss) / tasks);
}

}  // namespace

int main(int argc, char** argv) {
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  memory();
  std::uint32_t most = argc > 1 ? static_cast<std::uint32_t>(std::atoi(argv[1])) : 1'000'000;
  for (std::uint32_t workers : {10u, 100u, 1'000u, 10'000u}) {
    simulation_settings s;
    s.workers = workers;
    s.tasks = most;
    measure("10 ms tasks", s);
    s.run_time = microseconds{1};
    measure("1 us tasks", s);
    s.run_time = std::chrono::seconds{1};
    measure("1 s tasks", s);
  }
  for (std::uint32_t tasks : {10'000u, 100'000u, 1'000'000u}) {
    simulation_settings s;
    s.workers = 100;
    s.slots = 8;
    s.tasks = tasks;
    s.run_time = milliseconds{1};
    measure("1 ms tasks", s);
  }
}
