#include "bench/bench.hpp"

#include <algorithm>
#include <array>

namespace troupe::bench {
namespace {

bool chosen(const options& o, const char* name) {
  return o.scenarios.empty() ||
         std::find(o.scenarios.begin(), o.scenarios.end(), name) != o.scenarios.end();
}

budget at_least(double bound, std::string words) {
  return {budget::side::at_least, bound, std::move(words)};
}
budget at_most(double bound, std::string words) {
  return {budget::side::at_most, bound, std::move(words)};
}

// A budget that is a share of what a reference did in the same run.
void relate(report& r, const std::string& name, budget::side side, double share,
            const std::string& reference) {
  auto other = r.median_of(reference);
  if (!other) return;
  auto text = std::to_string(share);
  text.resize(text.find('.') + 2);
  r.limit(name, {side, share * *other, text + " x " + reference});
}

void judge(report& r) {
  constexpr auto least = budget::side::at_least, most = budget::side::at_most;
  r.limit("noop.tasks_per_s", at_least(500'000, "500,000"));
  relate(r, "noop.tasks_per_s", least, 0.5, "reference.relay_items_per_s");
  relate(r, "roundtrip.p50_us", most, 2, "reference.caf_roundtrip_p50_us");
  relate(r, "roundtrip.p50_us", most, 5, "reference.link_roundtrip_p50_us");
  auto stays = [&r](const std::string& name, const std::string& other) {
    relate(r, name, least, 1 / 1.5, other);
    relate(r, name, most, 1.5, other);
  };
  stays("flat.tasks_10000000.tasks_per_s", "flat.tasks_10000.tasks_per_s");
  stays("flat.tasks_10000000.cpu_ns_per_task", "flat.tasks_10000.cpu_ns_per_task");
  stays("flat.jobs_100.tasks_per_s", "flat.jobs_1.tasks_per_s");
  relate(r, "flat.workers_32.tasks_per_s", least, 0.5, "reference.relay_32_items_per_s");
  r.limit("busy.metrics_ms", at_most(100, "100"));
  r.limit("busy.status_ms", at_most(200, "200"));
  r.limit("busy.cancel_ms", at_most(1000, "1,000"));
  r.limit("busy.overtake_ms", at_most(50, "50"));
  relate(r, "settle.after_10_jobs_mib", most, 1.2, "settle.after_1_job_mib");
  r.limit("graph.merge-100K.tasks_per_s", at_least(150'000, "150,000"));
  relate(r, "exec.tasks_per_s", least, 0.7, "reference.xargs_per_s");
  r.limit("scale.first_task_ms", at_most(400, "400"));
  r.limit("idle.cpu_percent", at_most(1, "1"));
  r.limit("idle.rss_mib", at_most(40, "40"));
  r.limit("core.10.ns_per_task", at_most(1000, "1,000"));
  relate(r, "core.10000.ns_per_task", most, 1.5, "core.10.ns_per_task");
  r.limit("memory.bytes_per_task", at_most(200, "200"));
}

}  // namespace

report run(const options& o) {
  report r;
  using function = void (*)(const options&, report&);
  constexpr std::array<function, std::size(scenarios)> run = {noop, roundtrip, submit, graph,
                                                              flat, busy, settle, exec,
                                                              scale, idle, core, memory};
  for (std::size_t i = 0; i < run.size(); ++i)
    if (chosen(o, scenarios[i].name)) run[i](o, r);
  judge(r);
  return r;
}

}  // namespace troupe::bench
