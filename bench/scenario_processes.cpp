// Commands, clusters that grow from nothing, and a head at rest.
#include <thread>

#include "bench/bench.hpp"
#include "bench/clock.hpp"
#include "bench/cluster_process.hpp"
#include "bench/process_figures.hpp"
#include "bench/references.hpp"

namespace troupe::bench {

using namespace std::chrono_literals;

void exec(const options& o, report& r) {
  auto n = o.scaled(3'000);
  o.progress("exec: starting a cluster of one worker with two slots");
  cluster_process cluster(fixed_cluster(o, 1, 2));
  auto c = cluster.connect();
  o.each_round("exec", [&] {
    job_draft d;
    d.name = "exec";
    d.lifetime = protocol::lifetime::client;
    task_spec spec;
    spec.kind = task_kind::exec;
    spec.command.argv = {"/bin/true"};
    d.templates = {spec};
    d.count = n;
    stopwatch watch;
    c.submit_job(std::move(d)).wait_for(10min);
    r.add("exec.tasks_per_s", n / watch.seconds());
    r.add("reference.xargs_per_s", xargs_per_s(n));
  });
}

void scale(const options& o, report& r) {
  o.each_round("scale", [&] {
    cluster_process cluster({0, 2, 1});
    auto c = cluster.connect();
    stopwatch watch;
    auto burst = c.map<int>("bench.sleep_us", std::vector<int>(100, 10'000));
    burst[0].wait();
    r.add("scale.first_task_ms", watch.seconds() * 1e3);
    burst.wait();
  });
}

void idle(const options& o, report& r) {
  o.progress("idle: a head without workers, for 5 s");
  cluster_process cluster({0, 1, 1});
  std::this_thread::sleep_for(2s);
  auto before = cpu_seconds(cluster.head());
  std::this_thread::sleep_for(5s);
  r.add("idle.cpu_percent", (cpu_seconds(cluster.head()) - before) / 5 * 100);
  r.add("idle.rss_mib", resident_mib(cluster.head()));
}

}  // namespace troupe::bench
