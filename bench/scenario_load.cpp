// No-ops in quantity: whether their cost stays flat, what else still works meanwhile, and what of them
// stays behind.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

#include "bench/bench.hpp"
#include "bench/clock.hpp"
#include "bench/cluster_process.hpp"
#include "bench/functions.hpp"
#include "bench/process_figures.hpp"
#include "bench/references.hpp"
#include "net/http.hpp"

namespace troupe::bench {
namespace {

using namespace std::chrono_literals;

double rate(const client& c, std::uint32_t n, std::uint32_t jobs = 1) {
  c.flush();  // the release of those before has been taken
  stopwatch watch;
  std::vector<futures<int>> all;
  auto each = std::max(1u, n / jobs);
  for (std::uint32_t i = 0; i < jobs; ++i) all.push_back(noops(c, each));
  for (const auto& f : all) f.wait();
  return static_cast<double>(each) * jobs / watch.seconds();
}

// Few tasks take milliseconds, and who has the cores in them is chance: they are run more often.
std::uint32_t runs_of(std::uint32_t n) { return std::clamp(1'000'000 / n, 1u, 100u); }

// How long n tasks take, and what they cost: processor time of the client, the head and the workers.
void measure_tasks(const cluster_process& cluster, const client& c, std::uint32_t n, const options& o,
                   report& r) {
  auto spent = [&] {
    c.flush();  // the release of those before has been taken
    return cpu_seconds(::getpid()) + cpu_seconds_with_children(cluster.head());
  };
  auto name = "flat.tasks_" + std::to_string(n);
  auto runs = runs_of(n);
  auto before = spent();
  for (auto run = runs; run > 0; --run) r.add(name + ".tasks_per_s", rate(c, o.scaled(n)));
  r.add(name + ".cpu_ns_per_task", (spent() - before) / (static_cast<double>(runs) * o.scaled(n)) * 1e9);
}

// No-ops without end, from another client, while it lives.
class background {
 public:
  background(client c, std::uint32_t n)
      : thread_([this, c = std::move(c), n] {
          auto first = noops(c, n);
          for (;;) {  // the next ones are there before these are over
            auto next = noops(c, n);
            first.wait();
            first = std::move(next);
            if (over_) return first.wait();  // leaves nothing behind
          }
        }) {}
  ~background() {
    over_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// The longest of several, in milliseconds.
template <class F>
double worst_ms(unsigned times, F f) {
  double worst = 0;
  for (unsigned i = 0; i < times; ++i) {
    stopwatch watch;
    f();
    worst = std::max(worst, watch.seconds() * 1e3);
    std::this_thread::sleep_for(20ms);
  }
  return worst;
}

void fetch_metrics(net::io& io, const cluster_process& cluster) {
  std::promise<result<net::http_response>> answered;
  net::http_call_options call;
  call.url = "http://" + cluster.http() + "/metrics";
  net::http_call(io, call, [&](auto r) { answered.set_value(std::move(r)); });
  auto answer = answered.get_future().get();
  if (!answer || answer->status != 200) throw std::runtime_error("/metrics did not answer");
}

}  // namespace

void flat(const options& o, report& r) {
  {
    o.progress("flat: starting a cluster of one worker");
    cluster_process cluster(fixed_cluster(o, 1, 1));
    auto c = cluster.connect();
    rate(c, o.scaled(100'000));
    o.each_round("flat", [&] {
      for (std::uint32_t n : {10'000u, 100'000u, 1'000'000u, 10'000'000u})
        measure_tasks(cluster, c, n, o, r);
      for (std::uint32_t jobs : {1u, 10u, 100u})
        r.add("flat.jobs_" + std::to_string(jobs) + ".tasks_per_s",
              rate(c, o.scaled(1'000'000), jobs));
    });
  }
  for (std::uint32_t workers : {1u, 8u, 32u}) {
    auto n = std::to_string(workers);
    o.progress("flat: starting a cluster of " + n + " workers");
    cluster_process cluster(cluster_shape{workers, workers, 1});
    auto c = cluster.connect();
    rate(c, o.scaled(300'000));
    o.each_round("flat on " + n + " workers", [&] {
      r.add("flat.workers_" + n + ".tasks_per_s", rate(c, o.scaled(1'000'000)));
      r.add("reference.relay_" + n + "_items_per_s", relay_items_per_s(o.scaled(1'000'000), workers));
    });
  }
}

void busy(const options& o, report& r) {
  o.progress("busy: starting a cluster of one worker");
  cluster_process cluster(fixed_cluster(o, 1, 1));
  auto load = cluster.connect();
  auto c = cluster.connect();
  net::io io(1);
  rate(load, o.scaled(100'000));
  o.each_round("busy", [&] {
    background noise(load, o.scaled(1'000'000));
    c.submit<int>("bench.noop").wait();
    r.add("busy.metrics_ms", worst_ms(10, [&] { fetch_metrics(io, cluster); }));
    r.add("busy.status_ms", worst_ms(10, [&] {
            if (cluster.command({"status"}) != 0) throw std::runtime_error("status failed");
          }));
    r.add("busy.cancel_ms", worst_ms(3, [&] {
            job_draft d;
            d.templates.emplace_back().function = "bench.noop";
            d.lifetime = protocol::lifetime::client;
            d.count = o.scaled(1'000'000);
            auto job = c.submit_job(std::move(d));
            (void)job.id();
            job.cancel("measured");
            if (!job.wait_for(60s)) throw std::runtime_error("a cancelled job did not end");
          }));
    r.add("busy.overtake_ms", worst_ms(20, [&] {
            task_options urgent;
            urgent.priority = 10;
            c.submit_with<int>(urgent, "bench.noop").get();
          }));
  });
}

void settle(const options& o, report& r) {
  o.progress("settle: starting a cluster of one worker");
  cluster_process cluster(fixed_cluster(o, 1, 1));
  auto c = cluster.connect();
  auto n = o.scaled(1'000'000);
  for (int job = 1; job <= 10; ++job) {
    o.progress("settle, job " + std::to_string(job));
    rate(c, n);
    c.flush();
    std::this_thread::sleep_for(1s);  // for what follows a job's end
    if (job == 1) r.add("settle.after_1_job_mib", resident_mib(cluster.head()));
  }
  r.add("settle.after_10_jobs_mib", resident_mib(cluster.head()));
}

}  // namespace troupe::bench
