#include "actors/autoscaler.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "actors/decision_json.hpp"
#include "actors/errors.hpp"
#include "actors/json.hpp"
#include "actors/pool_setup.hpp"
#include "actors/views.hpp"
#include "config/time_zones.hpp"

namespace troupe::actors {
namespace {

using nlohmann::json;
using self_pointer = autoscaler_actor::stateful_pointer<autoscaler_state>;

constexpr auto snapshot_timeout = std::chrono::seconds{10};
constexpr auto ask_again = std::chrono::seconds{1};

void schedule(self_pointer self, duration delay) {
  self->delayed_send(self, delay, wake_up{++self->state.wake_generation});
}

protocol::event_record story(const autoscaler::pool_decision& p) {
  protocol::event_record e;
  e.kind = protocol::event_kind::decision;
  e.pool = p.pool;
  e.text = std::string{to_string(p.direction)} + " to " + std::to_string(p.target) + ": " + p.reason;
  return e;
}

void carry_out(self_pointer self, const autoscaler::decision& d) {
  auto& s = self->state;
  for (const auto& p : d.pools) {
    auto manager = s.managers.find(p.pool);
    if (manager == s.managers.end()) continue;
    providers::event::set_target order{p.target, p.max, p.ceiling, p.drain, p.take_back};
    self->send(manager->second, providers::pool_event{std::move(order)});
    if (!p.acts()) continue;
    ++s.counts.by_cause[{p.pool, std::string{to_string(p.direction)},
                         std::string{to_string(p.cause)}}];
    self->send(s.scheduler, story(p));
  }
}

autoscaler::surroundings around(const autoscaler_state& s) {
  autoscaler::surroundings out;
  for (const auto& [name, reading] : s.readings) out.readings.push_back(reading);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  out.unix_seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return out;
}

// A signal that is lost or back is told once, whether or not a pool changes for it.
void tell_signals(self_pointer self, const autoscaler::decision& d) {
  auto& told = self->state.told;
  for (const auto& x : d.signals) {
    const auto before = std::exchange(told[x.name], x.trouble);
    if (before == x.trouble || x.trouble == autoscaler::signal_trouble::unread) continue;
    protocol::event_record e;
    e.kind = protocol::event_kind::decision;
    e.text = "signal " + x.name;
    if (x.trouble == autoscaler::signal_trouble::none)
      e.text += " is read again";
    else
      e.text += " is unavailable (" + std::string{to_string(x.trouble)} +
                (x.detail.empty() ? ")" : "): " + x.detail);
    // The first answer of all is no news.
    if (before != autoscaler::signal_trouble::unread || x.trouble != autoscaler::signal_trouble::none)
      self->send(self->state.scheduler, std::move(e));
  }
}

void take_reading(self_pointer self, autoscaler::signal_reading& r) {
  auto& s = self->state;
  if (r.trouble != autoscaler::signal_trouble::none)
    ++s.counts.troubles[{r.name, std::string{to_string(r.trouble)}}];
  s.readings[r.name] = std::move(r);
}

void decide(self_pointer self, const load_snapshot& load) {
  auto& s = self->state;
  s.asking = false;
  if (s.stopping) return;
  // A pool is decided about once its manager has reported: before, nothing is known of it.
  std::vector<autoscaler::pool_status> pools;
  for (const auto& [name, status] : s.pools) pools.push_back(status);
  s.last_decision = clock::now();
  auto d = autoscaler::decide(load.now, load, pools, s.past, s.options.policy, around(s));
  carry_out(self, d);
  tell_signals(self, d);
  s.counts.last = std::move(d);
  schedule(self, std::exchange(s.again, false) ? s.options.settings.reaction_time
                                               : s.options.settings.interval);
}

void ask(self_pointer self) {
  auto& s = self->state;
  if (s.asking || s.stopping) return;
  s.asking = true;
  self->request(s.scheduler, snapshot_timeout, get_snapshot{})
      .then([self](snapshot_ptr& load) { decide(self, *load); },
            [self](caf::error&) {
              // The scheduler is busy or ending. It tells of no more demand until it has answered, so we
              // don't wait for that.
              auto& s = self->state;
              s.asking = s.again = false;
              schedule(self, std::min<duration>(s.options.settings.interval, ask_again));
            });
}

// Something has changed: look now, or as soon as `reaction_time` allows.
void hurry(self_pointer self) {
  auto& s = self->state;
  if (s.asking) {
    s.again = true;
    return;
  }
  auto next = s.last_decision + s.options.settings.reaction_time;
  auto now = clock::now();
  if (next <= now)
    ask(self);
  else
    schedule(self, next - now);
}

void take_report(self_pointer self, pool_report& r) {
  auto& s = self->state;
  auto& known = s.pools[r.status.name];
  // What a decision follows from; the target is our own.
  bool news = known.registered != r.status.registered || known.draining != r.status.draining ||
              known.launching() != r.status.launching() ||
              known.backoff.has_value() != r.status.backoff.has_value() || known.name.empty();
  known = r.status;
  s.reports[r.status.name] = std::move(r);
  s.managers[known.name] = caf::actor_cast<manager_actor>(self->current_sender());
  if (news) hurry(self);
}

// ---- control requests -------------------------------------------------------------------------

json log(autoscaler_state& s, const json& q) {
  auto limit = parameter<std::size_t>(q, "limit", 100);
  auto after = parameter<std::uint64_t>(q, "after", 0);
  auto pool = parameter<std::string>(q, "pool", "");
  std::vector<json> rows;
  for (const auto& d : s.past.decisions())
    if (d.number > after)
      for (const auto& p : d.pools)
        if (pool.empty() || p.pool == pool) rows.push_back(decision_json(d, p));
  if (rows.size() > limit) rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(limit));
  return {{"decisions", std::move(rows)}, {"worker_seconds", s.past.worker_seconds()}};
}

autoscaler::pool_policy& find_pool(autoscaler_state& s, const std::string& name) {
  for (auto& p : s.options.policy.pools)
    if (p.name == name) return p;
  throw failure{errc::not_found, "there is no pool \"" + name + "\"", {}};
}

// Pauses are of all pools together.
scaling_paused paused(const autoscaler_state& s) {
  scaling_paused p;
  for (const auto& pool : s.options.policy.pools) {
    p.up = p.up || pool.control.pause_up;
    p.down = p.down || pool.control.pause_down;
  }
  return p;
}

json scale(autoscaler_state& s, const json& q) {
  auto& pool = find_pool(s, parameter<std::string>(q, "pool", ""));
  auto number = [&](const char* name) -> std::optional<std::uint32_t> {
    if (!q.contains(name) || q[name].is_null()) return std::nullopt;
    return parameter<std::uint32_t>(q, name, 0);
  };
  auto changed = pool.control;
  if (auto n = number("workers")) changed.size = n;
  if (auto n = number("min")) changed.min = n;
  constexpr auto unlimited = std::numeric_limits<std::uint32_t>::max();
  if (q.contains("max")) changed.max = number("max").value_or(unlimited);
  if (q.contains("min") || q.contains("max")) changed.size.reset();
  auto min = changed.min.value_or(pool.min);
  auto max = changed.max ? changed.max : pool.max;
  if (max && min > *max)
    throw failure{errc::invalid_argument, "min " + std::to_string(min) + " is above max " +
                                              std::to_string(*max) + " of pool \"" + pool.name + "\"", {}};
  if (changed.size && max && *changed.size > *max)
    throw failure{errc::invalid_argument,
                  std::to_string(*changed.size) + " workers are more than max " +
                      std::to_string(*max) + " of pool \"" + pool.name + "\"; raise it with --max", {}};
  pool.control = changed;
  auto report = s.reports.find(pool.name);
  json row = report == s.reports.end() ? json::object() : pool_json(report->second, paused(s));
  row["min"] = min;
  row["max"] = max && *max != unlimited ? json(*max) : json();
  if (changed.size) row["target"] = *changed.size;
  return row;
}

json explain(autoscaler_state& s, const json& q) {
  const auto& pool = find_pool(s, parameter<std::string>(q, "pool", ""));
  if (!s.past.last().pool(pool.name))
    throw failure{errc::unavailable, "nothing has been decided yet", {}};
  return explanation_json(s.past.last(), pool.name, s.options.policy);
}

json pause(autoscaler_state& s, const json& q) {
  auto direction = parameter<std::string>(q, "direction", "both");
  if (direction != "up" && direction != "down" && direction != "both")
    throw failure{errc::invalid_argument,
                  "direction is up, down or both, not \"" + direction + "\"", {}};
  for (auto& p : s.options.policy.pools) {
    if (direction != "down") p.control.pause_up = true;
    if (direction != "up") p.control.pause_down = true;
  }
  return {{"paused", direction}};
}

// Pauses and sizes set by hand end; limits set by hand stay.
json resume(autoscaler_state& s) {
  for (auto& p : s.options.policy.pools) {
    p.control.pause_up = p.control.pause_down = false;
    p.control.size.reset();
  }
  return {{"paused", "none"}};
}

// ---- a changed configuration --------------------------------------------------------------------

// What was set by hand stays, and so does what is remembered of pools and signals that there still
// are.
void take_options(self_pointer self, autoscaler_options& n) {
  auto& s = self->state;
  for (auto& p : n.policy.pools)
    for (auto& known : s.options.policy.pools)
      if (known.name == p.name) p.control = known.control;
  // What a signal asked for is forgotten with its question.
  for (const auto& old : s.options.policy.signals) {
    const auto& signals = n.policy.signals;
    const bool stays = std::any_of(signals.begin(), signals.end(), [&](const auto& x) {
      return x.name == old.name && x.source == old.source && x.query == old.query &&
             x.type == old.type;
    });
    if (stays) continue;
    s.readings.erase(old.name);
    s.told.erase(old.name);
    s.past.signals.erase(old.name);
  }
  s.options = std::move(n);
  hurry(self);
}

caf::result<value> answer(self_pointer self, const control_query& q) {
  auto& s = self->state;
  auto parameters = to_json(q.parameters);
  if (!parameters) return to_error(parameters.error());
  try {
    if (q.method == "autoscaler.log") return to_value(log(s, *parameters));
    if (q.method == "autoscaler.explain") return to_value(explain(s, *parameters));
    if (!q.admin) throw failure{errc::forbidden, "only the cluster's owner may scale it", {}};
    json out;
    if (q.method == "scale")
      out = scale(s, *parameters);
    else if (q.method == "autoscaler.pause")
      out = pause(s, *parameters);
    else if (q.method == "autoscaler.resume")
      out = resume(s);
    else
      throw failure{errc::not_found, "there is no request \"" + q.method + "\"", {}};
    // Before the answer: who has it and asks for the pools is told of it.
    self->send(s.scheduler, paused(s));
    hurry(self);
    return to_value(out);
  } catch (const failure& f) {
    return to_error(f);
  } catch (const json::exception& e) {
    return to_error({errc::internal, q.method + ": " + e.what(), {}});
  }
}

}  // namespace

autoscaler_options autoscaler_options_of(const cluster_settings& s) {
  autoscaler_options o{s.autoscaler, autoscaler::settings_of(s.autoscaler)};
  const auto zones = config::time_zones_of(s);
  for (const auto& pool : s.pools)
    o.policy.pools.push_back(autoscaler::policy_of(pool, machine_cores(), zones));
  return o;
}

autoscaler_actor::behavior_type autoscaler_behavior(self_pointer self, autoscaler_options options,
                                                    scheduler_actor scheduler) {
  auto& s = self->state;
  s.options = std::move(options);
  s.scheduler = std::move(scheduler);
  schedule(self, s.options.settings.interval);
  return {
      [self](pool_report& r) { take_report(self, r); },
      [self](demand_notice) { hurry(self); },
      // Looked at with the next decision: no answer of a foreign server makes us decide faster.
      [self](autoscaler::signal_reading& r) { take_reading(self, r); },
      [self](autoscaler_options& o) { take_options(self, o); },
      [self](const control_query& q) { return answer(self, q); },
      [self](begin_shutdown) { self->state.stopping = true; },
      [self](get_decision_counts) -> decision_counts_ptr {
        return std::make_shared<decision_counts>(self->state.counts);
      },
      [self](wake_up w) {
        if (w.generation == self->state.wake_generation) ask(self);
      },
  };
}

}  // namespace troupe::actors
