#include "actors/config_keeper.hpp"

#include "actors/autoscaler.hpp"
#include "actors/errors.hpp"
#include "actors/json.hpp"
#include "config/changes.hpp"

namespace troupe::actors {
namespace {

using nlohmann::json;
using self_pointer = config_actor::stateful_pointer<config_keeper_state>;

void publish(self_pointer self, std::string text) {
  protocol::event_record e;
  e.kind = protocol::event_kind::configuration;
  e.text = "configuration: " + std::move(text);
  self->send(self->state.options.scheduler, std::move(e));
}

void read_signals(config_keeper_state& s) {
  const auto& settings = s.options.running.settings.autoscaler;
  s.signals.reset();
  if (!signal_reader::needed(settings)) return;
  s.signals = std::make_unique<signal_reader>(
      settings, [to = s.options.autoscaler](autoscaler::signal_reading r) {
        caf::anon_send(to, std::move(r));
      });
}

void take_over(self_pointer self, config::changes both) {
  auto& s = self->state;
  bool news = false, signals = false;
  for (const auto& c : both.list) {
    news = news || c.live;
    signals = signals || c.path.starts_with("autoscaler.signals") ||
              c.path.starts_with("autoscaler.prometheus");
  }
  s.options.running = std::move(both.effective);
  if (!news) return;
  const auto& settings = s.options.running.settings;
  for (const auto& [name, manager] : s.options.managers)
    if (const auto* pool = settings.pool(name)) self->send(manager, new_pool_settings{*pool});
  self->send(s.options.autoscaler, autoscaler_options_of(settings));
  if (signals) read_signals(s);
}

std::string value_text(const std::optional<std::string>& v) { return v ? *v : "nothing"; }

void tell(self_pointer self, const std::vector<config::change>& list) {
  for (const auto& c : list)
    publish(self, c.path + " is " + value_text(c.to) + ", was " + value_text(c.from) +
                      (c.live ? "" : "; that waits for the next start"));
}

json row(const config::change& c) {
  auto side = [](const std::optional<std::string>& v) { return v ? json::parse(*v) : json(); };
  return {{"path", c.path}, {"from", side(c.from)}, {"to", side(c.to)}, {"live", c.live}};
}

// Throws a failure where anything is wrong; then nothing has changed.
json change_to(self_pointer self, const config::document* text, bool dry_run) {
  auto& s = self->state;
  if (!s.options.read)
    throw failure{errc::invalid_argument, "this cluster's configuration is its program's", {}};
  if (s.stopping) throw failure{errc::unavailable, "the cluster is stopping", {}};
  auto wanted = s.options.read(text);
  if (!wanted) throw failure{errc::invalid_argument, config::to_text(wanted.error()), {}};
  auto both = config::compare(s.options.running, *wanted);
  if (!both)
    throw failure{errc::invalid_argument,
                  config::to_text(both.error()) +
                      "as long as what can only change with a start is as it was\n",
                  {}};
  json out{{"file", wanted->file}, {"applied", !dry_run}, {"changes", json::array()},
           {"warnings", json::array()}};
  for (const auto& c : both->list) out["changes"].push_back(row(c));
  for (const auto& w : wanted->warnings) out["warnings"].push_back(to_string(w));
  if (dry_run) return out;
  tell(self, both->list);
  take_over(self, std::move(*both));
  return out;
}

json answer_apply(self_pointer self, const json& q) {
  const auto dry_run = parameter<bool>(q, "dry_run", false);
  if (!q.contains("yaml")) return change_to(self, nullptr, dry_run);
  const config::document text{parameter<std::string>(q, "yaml", ""),
                         parameter<std::string>(q, "name", "")};
  return change_to(self, &text, dry_run);
}

void reload(self_pointer self) {
  try {
    const auto done = change_to(self, nullptr, false);
    if (done["changes"].empty()) publish(self, "read again, nothing has changed");
    for (const auto& w : done["warnings"]) publish(self, "warning: " + w.get<std::string>());
  } catch (const failure& f) {
    publish(self, "stays as it is: " + f.message);
  } catch (const std::exception& e) {
    publish(self, std::string{"stays as it is: "} + e.what());
  }
}

caf::result<value> answer(self_pointer self, const control_query& q) {
  auto parameters = to_json(q.parameters);
  if (!parameters) return to_error(parameters.error());
  try {
    if (q.method == "config.show")
      return to_value({{"yaml", config::show(self->state.options.running)}});
    if (q.method != "config.apply")
      throw failure{errc::not_found, "there is no request \"" + q.method + "\"", {}};
    if (!q.admin)
      throw failure{errc::forbidden, "only the cluster's owner may change its configuration", {}};
    return to_value(answer_apply(self, *parameters));
  } catch (const failure& f) {
    return to_error(f);
  } catch (const std::exception& e) {
    return to_error({errc::internal, q.method + ": " + e.what(), {}});
  }
}

}  // namespace

config_actor::behavior_type config_keeper(self_pointer self, config_keeper_options options) {
  self->state.options = std::move(options);
  read_signals(self->state);
  return {
      [self](const control_query& q) { return answer(self, q); },
      [self](reload_file) { reload(self); },
      [self](begin_shutdown) {
        self->state.stopping = true;
        self->state.signals.reset();
      },
  };
}

}  // namespace troupe::actors
