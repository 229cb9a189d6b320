// See decision_json.hpp.
#include "actors/decision_json.hpp"

#include <algorithm>

#include "actors/views.hpp"
#include "autoscaler/explanation.hpp"

namespace troupe::actors {
namespace {

using nlohmann::json;

template <class T>
json or_null(const std::optional<T>& x) {
  return x ? json(*x) : json();
}

// The signals that ask for workers of this pool.
json signals_json(const autoscaler::decision& d, const std::string& pool) {
  json rows = json::array();
  for (const auto& x : d.signals) {
    if (std::find(x.pools.begin(), x.pools.end(), pool) == x.pools.end()) continue;
    const bool good = x.trouble == autoscaler::signal_trouble::none;
    rows.push_back({{"name", x.name},
                    {"state", to_string(x.state)},
                    {"value", or_null(x.value)},
                    {"age", x.value ? json(to_seconds(x.age)) : json()},
                    {"target", x.target},
                    {"trouble", good ? json() : json(to_string(x.trouble))},
                    {"detail", x.detail},
                    {"wanted", x.wanted},
                    {"kept", x.kept},
                    {"pools", x.pools}});
  }
  return rows;
}

json backoff_json(const autoscaler::pool_decision& p) {
  if (!p.backoff) return {};
  return {{"until", unix_time(p.backoff->until)},
          {"reason", p.backoff->reason},
          {"failures", p.backoff->failures}};
}

json inputs_json(const autoscaler::decision& d, const autoscaler::pool_decision& p) {
  json steps = json::object();
  for (const auto& step : p.steps) steps[std::string{step.name}] = step.number;
  json unplaced = json::array();
  for (const auto& u : d.unplaced)
    unplaced.push_back({{"function", u.function},
                        {"resources", u.resources},
                        {"tasks", u.tasks},
                        {"reason", u.reason}});
  return {{"ready", d.ready},
          {"assigned", d.assigned},
          {"running", d.running},
          {"work_seconds", d.work_seconds},
          {"registered", p.registered},
          {"launching", p.launching},
          {"draining", p.draining},
          {"idle", p.idle},
          {"idle_seconds", p.idle_seconds},
          {"min", p.min},
          {"max", or_null(p.max)},
          {"scheduled_min", or_null(p.scheduled_min)},
          {"backoff", backoff_json(p)},
          {"probing", p.probing},
          {"queue", p.queue},
          {"for_signals", p.for_signals},
          {"wanted", p.wanted},
          {"signals", signals_json(d, p.pool)},
          {"unplaced", std::move(unplaced)},
          {"cost_per_hour", d.cost_per_hour},
          {"cost", d.cost},
          {"steps", std::move(steps)}};
}

}  // namespace

json decision_json(const autoscaler::decision& d, const autoscaler::pool_decision& p) {
  return {{"number", d.number},
          {"at", unix_time(d.at)},
          {"pool", p.pool},
          {"direction", to_string(p.direction)},
          {"cause", to_string(p.cause)},
          {"from", p.registered + p.launching},
          {"to", p.target},
          {"actions",
           {{"launch", p.launch},
            {"cancel", p.cancel},
            {"drain", p.drain.size()},
            {"take_back", p.take_back.size()}}},
          {"reason", p.reason},
          {"worker_seconds", p.worker_seconds},
          {"cost", p.cost},
          {"inputs", inputs_json(d, p)}};
}

json explanation_json(const autoscaler::decision& d, const std::string& pool,
                      const autoscaler::settings& s) {
  auto text = autoscaler::explain_pool(d, pool, s);
  return {{"pool", pool},
          {"why", std::move(text.why)},
          {"changes", std::move(text.changes)},
          {"decision", decision_json(d, *d.pool(pool))}};
}

}  // namespace troupe::actors
