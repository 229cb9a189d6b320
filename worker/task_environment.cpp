#include "worker/task_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace troupe::worker {
namespace {

constexpr std::array own_variables{"TROUPE_JOB_ID",  "TROUPE_TASK_ID", "TROUPE_TASK_INDEX",
                                   "TROUPE_ATTEMPT", "TROUPE_ADDRESS", "TROUPE_ENTRY"};

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

void put(std::vector<std::string>& env, const std::string& name, const std::string& text) {
  auto same = std::find_if(env.begin(), env.end(),
                           [&](const auto& entry) { return name_of(entry) == name; });
  if (same == env.end()) env.push_back(name + "=" + text);
  else *same = name + "=" + text;
}

// The worker itself may see only some devices: index 0 is then the first of those.
std::string device_list(const std::vector<std::uint32_t>& indexes, const char* visible) {
  std::vector<std::string> names;
  for (std::string_view rest = visible ? visible : ""; !rest.empty();) {
    auto comma = rest.find(',');
    names.emplace_back(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  std::string out;
  for (auto i : indexes)
    out += (out.empty() ? "" : ",") + (i < names.size() ? names[i] : std::to_string(i));
  return out;
}

}  // namespace

task_environment::task_environment(const task_settings& settings) : settings_(settings) {
  for (char** entry = environ; entry && *entry; ++entry) {
    auto name = name_of(*entry);
    bool hidden = std::find(settings.hidden_env.begin(), settings.hidden_env.end(), name) !=
                  settings.hidden_env.end();
    bool own = std::find(own_variables.begin(), own_variables.end(), name) != own_variables.end();
    if (!hidden && !own) base_.emplace_back(*entry);
  }
  if (!settings.address.empty()) base_.push_back("TROUPE_ADDRESS=" + settings.address);
}

std::vector<std::string> task_environment::marks_of(const start_order& order) {
  return {"TROUPE_TASK_ID=" + to_string(order.task),
          "TROUPE_ATTEMPT=" + std::to_string(order.attempt)};
}

std::vector<std::pair<std::string, std::string>> task_environment::devices_of(
    const assigned_resources& held) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [resource, variable] : settings_.device_variables) {
    if (std::find(settings_.indexed.begin(), settings_.indexed.end(), resource) ==
        settings_.indexed.end())
      continue;
    auto mine = held.indexes.find(resource);
    out.emplace_back(variable, mine == held.indexes.end()
                                   ? std::string{}
                                   : device_list(mine->second, std::getenv(variable.c_str())));
  }
  return out;
}

std::vector<std::string> task_environment::of(const start_order& order,
                                              const std::string* entry) const {
  auto env = base_;
  for (const auto& [name, text] : devices_of(*order.resources)) put(env, name, text);
  for (const auto& [name, text] : order.spec->command.env) put(env, name, with_entry(text, entry));
  // Last: what the worker says of the task is never overridden; its orphans are found by it.
  put(env, "TROUPE_JOB_ID", std::to_string(order.task.job.value));
  put(env, "TROUPE_TASK_INDEX", std::to_string(order.task.index));
  for (const auto& mark : marks_of(order)) {
    auto equals = mark.find('=');
    put(env, mark.substr(0, equals), mark.substr(equals + 1));
  }
  if (entry) put(env, "TROUPE_ENTRY", *entry);
  return env;
}

std::string with_entry(const std::string& text, const std::string* entry) {
  if (!entry) return text;
  std::string out;
  std::size_t from = 0;
  for (std::size_t at; (at = text.find("{}", from)) != std::string::npos; from = at + 2)
    out.append(text, from, at - from).append(*entry);
  return out.append(text, from);
}

}  // namespace troupe::worker
