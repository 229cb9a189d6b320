// Calls end to end: client, head and worker are three processes, TLS on.
#include "bench/bench.hpp"
#include "bench/clock.hpp"
#include "bench/cluster_process.hpp"
#include "bench/functions.hpp"
#include "bench/references.hpp"

namespace troupe::bench {

void noop(const options& o, report& r) {
  auto n = o.scaled(1'000'000);
  o.progress("noop: starting a cluster of one worker");
  auto shape = fixed_cluster(o, 1, 1);
  cluster_process cluster(shape);
  auto c = cluster.connect();
  noops(c, o.scaled(100'000)).wait();
  o.each_round("noop", [&] {
    stopwatch watch;
    noops(c, n).wait();
    r.add("noop.tasks_per_s", n / watch.seconds());
    r.add("reference.relay_items_per_s", relay_items_per_s(n, shape.min));
    r.add("reference.link_batched_items_per_s", link_batched_items_per_s(n));
    r.add("reference.caf_batched_items_per_s", caf_batched_items_per_s(n));
  });
}

void roundtrip(const options& o, report& r) {
  auto n = o.scaled(10'000);
  o.progress("roundtrip: starting a cluster of one worker");
  cluster_process cluster(fixed_cluster(o, 1, 1));
  auto c = cluster.connect();
  for (int i = 0; i < 500; ++i) c.submit<int>("bench.noop").get();
  o.each_round("roundtrip", [&] {
    std::vector<double> us;
    for (std::uint32_t i = 0; i < n; ++i) {
      stopwatch watch;
      c.submit<int>("bench.noop").get();
      us.push_back(watch.seconds() * 1e6);
    }
    r.add("roundtrip.p50_us", quantile(us, 0.5));
    r.add("roundtrip.p99_us", quantile(us, 0.99));
    r.add("reference.tcp_roundtrip_p50_us", tcp_roundtrip(n).p50_us);
    r.add("reference.caf_roundtrip_p50_us", caf_roundtrip(n).p50_us);
    r.add("reference.link_roundtrip_p50_us", link_roundtrip(n).p50_us);
  });
}

void submit(const options& o, report& r) {
  auto n = o.scaled(300'000);
  o.progress("submit: starting a cluster of one worker");
  cluster_process cluster(fixed_cluster(o, 1, 1));
  auto c = cluster.connect();
  o.each_round("submit", [&] {
    std::vector<future<int>> all;
    all.reserve(n);
    stopwatch watch;
    for (std::uint32_t i = 0; i < n; ++i) all.push_back(c.submit<int>("bench.noop"));
    for (const auto& f : all) f.wait();
    r.add("submit.tasks_per_s", n / watch.seconds());
  });
}

}  // namespace troupe::bench
