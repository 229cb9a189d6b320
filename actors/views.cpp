#include "actors/views.hpp"

namespace troupe::actors {
namespace {

using nlohmann::json;

json counts(const std::array<std::uint64_t, task_state_count>& tasks) {
  json out = json::object();
  for (std::size_t i = 0; i < task_state_count; ++i)
    out[std::string{to_string(static_cast<task_state>(i))}] = tasks[i];
  return out;
}

double unix_seconds(std::chrono::system_clock::time_point t) {
  return std::chrono::duration<double>(t.time_since_epoch()).count();
}

std::string state_of(const scheduler::job_view& j) {
  auto n = [&](task_state s) { return j.tasks[static_cast<std::size_t>(s)]; };
  if (j.refused) return "refused";
  if (!j.done) return j.open ? "open" : "running";
  if (n(task_state::failed) > 0) return "failed";
  if (n(task_state::cancelled) > 0) return "cancelled";
  return "finished";
}

}  // namespace

double unix_time(time_point t) {
  auto ago = clock::now() - t;
  return unix_seconds(std::chrono::system_clock::now()) - to_seconds(ago);
}

json job_json(const scheduler_state&, const scheduler::job_view& j) {
  json error;
  if (j.error) error = {{"code", to_string(j.error->code)}, {"message", j.error->message}};
  return {{"id", std::to_string(j.id.value)},
          {"name", j.name},
          {"owner", j.owner},
          {"lifetime", j.lifetime == protocol::lifetime::client ? "client" : "detached"},
          {"state", state_of(j)},
          {"tasks", counts(j.tasks)},
          {"first_index", j.first_index},
          {"submitted_at", unix_time(j.submitted_at)},
          {"ended_at", j.done ? json(unix_time(j.ended_at)) : json()},
          {"error", std::move(error)}};
}

json task_json(const scheduler::task_view& t) {
  json error;
  if (t.error)
    error = {{"code", to_string(t.error->code)},
             {"message", t.error->message},
             {"type", t.error->type}};
  return {{"id", to_string(t.id)},
          {"state", to_string(t.state)},
          {"attempt", t.attempt},
          {"worker", t.worker_name},
          {"function", t.function},
          {"label", t.label},
          {"why", t.why},
          {"error", std::move(error)},
          {"run_time", to_seconds(t.run_time)}};
}

json workers_json(const scheduler_state& s) {
  auto load = s.core->snapshot(clock::now());
  json rows = json::array();
  for (const auto& w : load.workers)
    rows.push_back({{"id", std::to_string(w.id.value)},
                    {"name", w.name},
                    {"pool", w.pool},
                    {"host", w.host},
                    {"pid", w.pid},
                    {"state", to_string(w.state)},
                    {"slots", w.slots},
                    {"running", w.running},
                    {"window", w.window},
                    {"memory", w.memory_used},
                    {"memory_limit", w.memory_limit > 0 ? json(w.memory_limit) : json()},
                    {"idle_for", w.window > 0 ? 0.0 : to_seconds(load.now - w.idle_since)},
                    {"last_heard", unix_time(w.last_heard)}});
  return rows;
}

static std::string_view to_string(scaling_paused p) {
  if (p.up && p.down) return "both";
  return p.up ? "up" : p.down ? "down" : "none";
}

json pool_json(const pool_report& r, scaling_paused paused) {
  const auto& p = r.status;
  json backoff;
  if (p.backoff)
    backoff = {{"until", unix_time(p.backoff->until)},
               {"reason", p.backoff->reason},
               {"failures", p.backoff->failures}};
  return {{"name", p.name},
          {"provider", r.provider},
          {"min", r.min},
          {"max", r.max ? json(*r.max) : json()},
          {"target", p.target},
          {"registered", p.registered},
          {"launching", p.launching()},
          {"draining", p.draining},
          {"terminating", p.terminating},
          {"backoff", std::move(backoff)},
          {"paused", to_string(paused)}};
}

json pools_json(const scheduler_state& s) {
  json rows = json::array();
  for (const auto& [name, r] : s.pools) rows.push_back(pool_json(r, s.paused));
  return rows;
}

json status_view(const scheduler_state& s) {
  auto load = s.core->snapshot(clock::now());
  auto now = std::chrono::system_clock::now();
  return {{"cluster",
           {{"name", s.options.cluster_name},
            {"id", s.options.cluster_id},
            {"epoch", s.options.epoch.value},
            {"address", s.options.address},
            {"http", s.options.http},
            {"version", s.options.software},
            {"started_at", unix_seconds(s.started_at)},
            {"uptime", std::chrono::duration<double>(now - s.started_at).count()}}},
          {"tasks", counts(load.tasks)},
          {"workers", load.workers.size()},
          {"pools", pools_json(s)}};
}

}  // namespace troupe::actors
