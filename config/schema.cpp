// The JSON Schema of a configuration file. See config.hpp. It can say less than loading checks:
// bounds of durations and sizes, and what must hold between options, are in words only.
#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "config/json.hpp"
#include "libruntime/settings_options.hpp"

namespace troupe::config {

namespace {

using json = nlohmann::ordered_json;
using shape = option_value::shape;

constexpr const char* duration_pattern = R"(^(0|([0-9]+(\.[0-9]{1,9})?(ns|us|ms|s|m|h|d))+)$)";
constexpr const char* bytes_pattern =
    R"(^[0-9]+((\.[0-9]{1,9})? *(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB))?$)";
constexpr const char* endpoint_pattern = R"(^(\[[0-9A-Za-z:.%_-]+\]|[0-9A-Za-z._%-]+):[0-9]{1,5}$)";

json section_schema(const option_section& section, const option_value* defaults);

// For people: what it is and what loading allows.
std::string description(const option_info& info) {
  bool in_words = info.kind == option_kind::duration || info.kind == option_kind::bytes ||
                  info.kind == option_kind::endpoint || info.optional ||
                  (info.kind == option_kind::text && info.form.matches);
  return info.text + (in_words ? " Expected: " + describe(info) + "." : "");
}

void add_bounds(const option_info& info, json& out) {
  if (!info.low.empty()) out["minimum"] = json::parse(info.low);
  if (!info.high.empty()) out["maximum"] = json::parse(info.high);
}

json words_schema(const option_info& info) {
  json out{{"type", "string"}};
  for (const auto& c : info.choices) out["enum"].push_back(c.word);
  return out;
}

json variant_schema(const option_info& info) {
  json out{{"oneOf", json::array()}};
  for (const auto& c : info.cases) {
    auto defaults = c.options->defaults();
    auto one = section_schema(*c.options, &defaults);
    one["type"] = "object";
    one["description"] = c.text;
    json type{{"const", c.type}, {"description", c.text}};
    json properties{{type_key, type}};
    properties.update(one["properties"]);
    one["properties"] = std::move(properties);
    one["required"] = {type_key};
    out["oneOf"].push_back(std::move(one));
  }
  return out;
}

json text_map_schema(const option_info& info) {
  json out{{"type", {"object", "null"}}};
  if (info.form.matches) out["propertyNames"] = {{"pattern", info.form.pattern}};
  out["additionalProperties"] = {{"type", {"string", "number", "boolean"}}};
  return out;
}

json value_schema(const option_info& info, const option_value* defaults) {
  json out;
  switch (info.kind) {
    case option_kind::boolean:
      return {{"type", "boolean"}};
    case option_kind::integer:
      out = {{"type", "integer"}};
      add_bounds(info, out);
      return out;
    case option_kind::number:
      out = {{"type", "number"}};
      add_bounds(info, out);
      return out;
    case option_kind::text:
      out = {{"type", "string"}, {"maxLength", 4096}};
      if (info.form.matches) out["pattern"] = info.form.pattern;
      return out;
    case option_kind::choice:
      return words_schema(info);
    case option_kind::duration:
      // A bare 0 is a number to an editor; the bounds touch numbers alone, the pattern texts alone.
      return {{"type", {"string", "integer"}},
              {"pattern", duration_pattern},
              {"minimum", 0},
              {"maximum", 0}};
    case option_kind::bytes:
      return {{"type", {"string", "integer"}}, {"pattern", bytes_pattern}, {"minimum", 0}};
    case option_kind::endpoint:
      return {{"type", "string"}, {"pattern", endpoint_pattern}};
    case option_kind::resources:
      return {{"type", {"object", "null"}},
              {"additionalProperties",
               {{"type", "number"}, {"minimum", 0}, {"maximum", 1'000'000'000}}}};
    case option_kind::text_list:
      return {{"type", {"array", "null"}}, {"items", {{"type", "string"}}}};
    case option_kind::text_map:
      return text_map_schema(info);
    case option_kind::section:
      return section_schema(*info.nested, defaults);
    case option_kind::sections: {
      auto item = info.nested->defaults();
      auto of_item = section_schema(*info.nested, &item);
      of_item["type"] = "object";
      return {{"type", {"array", "null"}}, {"items", std::move(of_item)}};
    }
    case option_kind::variant:
      return variant_schema(info);
  }
  return out;
}

json option_schema(const option_info& info, const option_value* standard) {
  auto of_section = info.kind == option_kind::section && info.inherits.empty();
  auto out = value_schema(info, of_section ? standard : nullptr);
  if (info.optional) {
    json either = json::array({std::move(out), {{"type", "null"}}});
    if (!info.absent.empty()) either.push_back({{"const", info.absent}});
    out = {{"anyOf", std::move(either)}};
  }
  out["description"] = description(info);
  bool has_default = standard && !info.required && !info.nested && info.cases.empty();
  if (has_default) out["default"] = to_json(info, *standard);
  return out;
}

json section_schema(const option_section& section, const option_value* defaults) {
  json out{{"type", {"object", "null"}},
           {"properties", json::object()},
           {"additionalProperties", false}};
  for (const auto& o : section.options) {
    const auto* standard = defaults ? defaults->find(o.info.name) : nullptr;
    out["properties"][o.info.name] = option_schema(o.info, standard);
    if (o.info.required) out["required"].push_back(o.info.name);
  }
  return out;
}

}  // namespace

std::string schema() {
  const auto& section = *cluster_options().section();
  auto defaults = section.defaults();
  json out{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
           {"title", "Troupe cluster"},
           {"description",
            "A cluster of Troupe: its scheduler, its pools of workers and how they "
            "grow and shrink."}};
  out.update(section_schema(section, &defaults));
  out["patternProperties"] = {{"^x-", json::object()}};
  return out.dump(2) + "\n";
}

}  // namespace troupe::config
