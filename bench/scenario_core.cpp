// The scheduler core alone.
#include <unistd.h>

#include <fstream>

#include "bench/bench.hpp"
#include "bench/simulated_cluster.hpp"

namespace troupe::bench {
namespace {

double resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  double total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void core(const options& o, report& r) {
  for (std::uint32_t workers : {10u, 100u, 1'000u, 10'000u, 100'000u}) {
    auto name = "core." + std::to_string(workers) + ".ns_per_task";
    for (unsigned round = 0; round < o.rounds; ++round) {
      o.progress("core with " + std::to_string(workers) + " workers, round " +
                 std::to_string(round + 1));
      simulation_settings s;
      s.workers = workers;
      s.tasks = o.scaled(1'000'000);
      s.seed = round + 1;
      s.check_every = UINT32_MAX;
      r.add(name, simulated_cluster{s}.run().ns_per_task(s.tasks));
    }
  }
}

void memory(const options& o, report& r) {
  auto n = o.scaled(10'000'000);
  o.progress("memory of " + std::to_string(n) + " queued tasks");
  auto before = resident_bytes();
  scheduler::core_settings settings;
  settings.submit_window = n;
  scheduler::core core{settings};
  scheduler::actions out;
  time_point now{std::chrono::seconds{1}};
  client_id me{1};
  task_spec spec;
  spec.function = "f";
  core.handle(scheduler::client_joined{me, 1, "bench", false}, now, out);
  core.handle(scheduler::from_client{me, protocol::open_job{1, "m", {}, true, false, 0}}, now, out);
  core.handle(scheduler::from_client{me, protocol::define_template{1, 0, spec}}, now, out);
  core.handle(scheduler::from_client{me, protocol::add_tasks{1, 0, 0, n, {}}}, now, out);
  r.add("memory.bytes_per_task", (resident_bytes() - before) / n);
}

}  // namespace troupe::bench
