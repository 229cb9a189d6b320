#include "actors/worker_options.hpp"

#include <cstdlib>

#include <nlohmann/json.hpp>

#include "providers/provider.hpp"

namespace troupe::actors {
namespace {

using nlohmann::json;

std::int64_t ns(duration d) { return d.count(); }

std::string take_variable(const char* name) {
  const char* text = std::getenv(name);
  std::string out = text ? text : "";
  ::unsetenv(name);
  return out;
}

}  // namespace

std::string encode(const worker_options& o) {
  const auto& s = o.settings;
  json j{{"address", o.address},
         {"certificates", o.certificates},
         {"pool", o.pool},
         {"name", o.name},
         {"log_dir", o.log_dir},
         {"scratch", o.scratch},
         {"slots", s.slots},
         {"memory", s.memory ? json(s.memory->value) : json()},
         {"resources", to_string(s.resources)},
         {"modules", s.modules},
         {"nice", s.nice},
         {"spill", s.spill},
         {"pause", s.pause},
         {"terminate", s.terminate},
         {"heartbeat_interval", ns(s.heartbeat_interval)},
         {"lost_after", ns(s.lost_after)},
         {"death_timeout", ns(s.death_timeout)},
         {"cancel_grace", ns(s.cancel_grace)},
         {"stop_when_lost", s.on_scheduler_lost == scheduler_loss::stop}};
  return j.dump();
}

result<worker_options> decode_worker_options(const std::string& text) {
  auto j = json::parse(text, nullptr, false);
  if (!j.is_object())
    return fail(errc::invalid_argument,
                std::string{worker_variable} + " is set by the program that starts workers; its "
                                               "value can't be read");
  worker_options o;
  auto& s = o.settings;
  try {
    o.address = j.at("address");
    o.certificates = j.at("certificates");
    o.pool = j.at("pool");
    o.name = j.at("name");
    o.log_dir = j.at("log_dir");
    o.scratch = j.at("scratch");
    s.slots = j.at("slots");
    if (!j.at("memory").is_null()) s.memory = byte_count{j["memory"].get<std::uint64_t>()};
    auto resources = resource_set::parse(j.at("resources").get<std::string>());
    if (!resources) return tl::unexpected(resources.error());
    s.resources = *resources;
    s.modules = j.at("modules").get<std::vector<std::string>>();
    s.nice = j.at("nice");
    s.spill = j.at("spill");
    s.pause = j.at("pause");
    s.terminate = j.at("terminate");
    s.heartbeat_interval = duration{j.at("heartbeat_interval").get<std::int64_t>()};
    s.lost_after = duration{j.at("lost_after").get<std::int64_t>()};
    s.death_timeout = duration{j.at("death_timeout").get<std::int64_t>()};
    s.cancel_grace = duration{j.at("cancel_grace").get<std::int64_t>()};
    s.on_scheduler_lost =
        j.at("stop_when_lost").get<bool>() ? scheduler_loss::stop : scheduler_loss::finish;
  } catch (const json::exception& e) {
    return fail(errc::invalid_argument, std::string{worker_variable} + ": " + e.what());
  }
  return o;
}

std::optional<result<worker_options>> take_worker_options_from_environment() {
  auto text = take_variable(worker_variable);
  if (text.empty()) return std::nullopt;
  auto o = decode_worker_options(text);
  if (o) {
    o->token = take_variable(std::string{providers::env_token}.c_str());
    if (const char* i = std::getenv(std::string{providers::env_instance}.c_str())) o->instance = i;
  }
  return o;
}

}  // namespace troupe::actors
