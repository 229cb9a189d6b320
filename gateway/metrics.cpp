#include "gateway/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <map>

namespace troupe::gateway {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using labels = std::vector<std::pair<std::string, std::string>>;

ClientMetric metric(const labels& names) {
  ClientMetric m;
  for (const auto& [name, text] : names) m.label.push_back({name, text});
  return m;
}

// Collects the families in the order in which they are shown.
class exposition {
 public:
  void gauge(const char* name, const char* help, labels names, double number) {
    auto m = metric(names);
    m.gauge.value = number;
    add(name, help, MetricType::Gauge, std::move(m));
  }
  void counter(const char* name, const char* help, labels names, std::uint64_t number) {
    auto m = metric(names);
    m.counter.value = static_cast<double>(number);
    add(name, help, MetricType::Counter, std::move(m));
  }
  void histogram(const char* name, const char* help, labels names, const duration_histogram& h) {
    auto m = metric(names);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < h.buckets; ++i) {
      below += h.counts[i];
      bool last = i + 1 == h.buckets;
      m.histogram.bucket.push_back(
          {below, last ? std::numeric_limits<double>::infinity() : to_seconds(h.bound(i))});
    }
    m.histogram.sample_count = below;
    m.histogram.sample_sum = to_seconds(h.sum);
    add(name, help, MetricType::Histogram, std::move(m));
  }
  std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

 private:
  void add(const char* name, const char* help, MetricType type, ClientMetric m) {
    auto [i, fresh] = index_.emplace(name, families_.size());
    if (fresh) families_.push_back({name, help, type, {}});
    families_[i->second].metric.push_back(std::move(m));
  }
  std::vector<MetricFamily> families_;
  std::map<std::string, std::size_t> index_;
};

// Functions have labels of their own; whoever has more than this sees the first ones.
constexpr std::size_t most_functions = 200;

void add_tasks(exposition& out, const actors::metrics_view& m) {
  for (std::size_t i = 0; i < task_state_count; ++i)
    out.gauge("troupe_tasks", "Tasks known to the scheduler, by state.",
              {{"state", std::string{to_string(static_cast<task_state>(i))}}},
              static_cast<double>(m.load.tasks[i]));
  std::map<std::string, std::uint64_t> ready;
  for (const auto& g : m.load.demand) {
    const auto& shape = m.load.shapes[g.shape];
    ready[to_string(shape.resources) + (shape.pool.empty() ? "" : "@" + shape.pool)] += g.ready;
  }
  for (const auto& [shape, n] : ready)
    out.gauge("troupe_ready_tasks", "Tasks that wait for a free slot, by what they ask for.",
              {{"shape", shape}}, static_cast<double>(n));
  std::size_t shown = 0;
  for (const auto& f : m.functions) {
    if (++shown > most_functions) break;
    for (auto [outcome, n] : {std::pair{"succeeded", f.succeeded}, {"failed", f.failed},
                              {"cancelled", f.cancelled}})
      out.counter("troupe_tasks_finished_total", "Tasks that have ended, by function and outcome.",
                  {{"function", f.name}, {"outcome", outcome}}, n);
    out.histogram("troupe_task_duration_seconds", "Run time of finished tasks.",
                  {{"function", f.name}}, f.run_time);
  }
  out.histogram("troupe_task_wait_seconds", "Time from being ready to being given to a worker.", {},
                m.stats.wait);
  out.counter("troupe_tasks_retried_total", "Attempts after a task's own error.", {},
              m.stats.retried);
  out.counter("troupe_tasks_recalled_total", "Tasks taken back from workers before they started.",
              {}, m.stats.recalled);
  out.counter("troupe_task_crashes_total", "Worker deaths charged to tasks.", {}, m.stats.charged);
  out.counter("troupe_stale_messages_total",
              "Messages about attempts or workers that were over already.", {}, m.stats.stale);
}

void add_scheduler(exposition& out, const actors::metrics_view& m) {
  out.histogram("troupe_scheduler_loop_seconds", "Time to handle one batch of events.", {},
                m.loop);
  out.gauge("troupe_results_bytes", "Results kept for clients, dependents or retention.", {},
            static_cast<double>(m.load.result_bytes));
  out.counter("troupe_spilled_bytes_total", "Results moved from memory to disk.", {},
              m.spilled_bytes);
}

void add_workers(exposition& out, const actors::metrics_view& m) {
  std::map<std::pair<std::string, std::string>, int> workers;
  std::map<std::string, double> memory;
  for (const auto& w : m.load.workers) {
    ++workers[{w.pool, std::string{to_string(w.state)}}];
    memory[w.pool] += static_cast<double>(w.memory_used);
  }
  for (const auto& [key, n] : workers)
    out.gauge("troupe_workers", "Workers, by pool and state.",
              {{"pool", key.first}, {"state", key.second}}, n);
  for (const auto& [pool, bytes] : memory)
    out.gauge("troupe_worker_memory_bytes", "Memory used by workers and their tasks.",
              {{"pool", pool}, {"kind", "used"}}, bytes);
}

void add_pools(exposition& out, const actors::metrics_view& m,
               const actors::decision_counts& decisions) {
  for (const auto& p : m.pools) {
    labels pool{{"pool", p.status.name}};
    out.gauge("troupe_pool_target", "Workers a pool should have.", pool, p.status.target);
    out.gauge("troupe_pool_min", "Fewest workers of a pool.", pool, p.min);
    if (p.max) out.gauge("troupe_pool_max", "Most workers of a pool.", pool, *p.max);
    out.gauge("troupe_pool_launching", "Workers requested or booting.", pool,
              p.status.launching());
    out.gauge("troupe_pool_draining", "Workers that finish what they have.", pool,
              p.status.draining);
    out.gauge("troupe_pool_backing_off", "1 while starts fail and the pool waits.", pool,
              p.status.backoff ? 1 : 0);
    for (auto [outcome, n] : {std::pair{"registered", p.counters.registrations},
                              {"failed", p.counters.failed_starts},
                              {"timed_out", p.counters.boot_timeouts}})
      out.counter("troupe_launches_total", "Starts of workers, by how they went.",
                  {{"pool", p.status.name}, {"outcome", outcome}}, n);
    out.histogram("troupe_launch_duration_seconds", "Time from a launch to its registration.", pool,
                  p.counters.launch_time);
    out.counter("troupe_worker_deaths_total", "Registered workers that died by themselves.", pool,
                p.counters.deaths);
  }
  for (const auto& [key, n] : decisions.by_cause)
    out.counter("troupe_autoscaler_decisions_total", "Decisions that changed a pool's size.",
                {{"pool", std::get<0>(key)},
                 {"direction", std::get<1>(key)},
                 {"reason", std::get<2>(key)}},
                n);
}

void add_autoscaler(exposition& out, const actors::decision_counts& a) {
  for (const auto& x : a.last.signals) {
    labels name{{"name", x.name}};
    const bool up = x.trouble == autoscaler::signal_trouble::none;
    if (x.value)
      out.gauge("troupe_autoscaler_signal", "The last good value of a signal.", name, *x.value);
    out.gauge("troupe_autoscaler_signal_up", "0 while a signal is unavailable.", name, up ? 1 : 0);
    out.gauge("troupe_autoscaler_signal_target", "What a signal's value should be, or its share.",
              name, x.target);
    out.gauge("troupe_autoscaler_signal_workers", "Workers that a signal asks for.", name, x.wanted);
  }
  for (const auto& [key, n] : a.troubles)
    out.counter("troupe_autoscaler_signal_failures_total",
                "Readings of signals that gave no number, by what was wrong.",
                {{"name", key.first}, {"reason", key.second}}, n);
  for (const auto& p : a.last.pools) {
    labels pool{{"pool", p.pool}};
    out.gauge("troupe_pool_wanted", "Workers that queue and signals ask for, before any limit.", pool,
              p.wanted);
    out.gauge("troupe_pool_cost_per_hour", "What the instances of a pool cost an hour.", pool,
              p.cost_per_hour);
    out.gauge("troupe_pool_cost", "What the instances of a pool have cost since the head started.",
              pool, p.cost);
  }
}

void add_http(exposition& out, const gateway_counters& http) {
  for (auto [outcome, n] :
       {std::pair{"2xx", http.ok}, {"4xx", http.refused}, {"5xx", http.failed}})
    out.counter("troupe_http_requests_total", "HTTP requests answered, by class of status.",
                {{"code", outcome}}, n);
  out.counter("troupe_connections_total", "Connections accepted on the link port.", {},
              http.connections);
  out.counter("troupe_connections_refused_total",
              "Connections that failed their handshake, broke a limit or took too long.", {},
              http.handshakes_refused);
  out.gauge("troupe_connections_open", "Connections open on the link port.", {},
            static_cast<double>(http.open_connections));
}

}  // namespace

std::string metrics_text(const actors::metrics_view& m, const actors::decision_counts& decisions,
                         const gateway_counters& http) {
  exposition out;
  add_tasks(out, m);
  add_scheduler(out, m);
  add_workers(out, m);
  add_pools(out, m, decisions);
  add_autoscaler(out, decisions);
  add_http(out, http);
  return out.text();
}

}  // namespace troupe::gateway
