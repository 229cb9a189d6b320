// See json.hpp.
#include "config/json.hpp"

namespace troupe::config {

namespace {

using json = nlohmann::ordered_json;
using shape = option_value::shape;

// The texts of these kinds are JSON already.
json number(const std::string& text) {
  auto parsed = json::parse(text, nullptr, false);
  return parsed.is_discarded() ? json(text) : parsed;
}

}  // namespace

json to_json(const option_info& info, const option_value& v) {
  if (v.is == shape::nothing) return info.absent.empty() ? json(nullptr) : json(info.absent);
  if (info.secret) return std::string{hidden_value};
  switch (info.kind) {
    case option_kind::boolean:
    case option_kind::integer:
    case option_kind::number:
      return number(v.text);
    case option_kind::section:
      return to_json(*info.nested, v);
    default:
      break;
  }
  if (v.is == shape::scalar) return v.text;
  if (info.kind == option_kind::variant) {
    const auto* type = v.find(type_key);
    json out{{type_key, type->text}};
    for (const auto& c : info.cases) {
      if (c.type == type->text) out.update(to_json(*c.options, v));
    }
    return out;
  }
  auto out = v.is == shape::list ? json::array() : json::object();
  for (const auto& child : v.children) {
    if (info.kind == option_kind::sections) {
      out.push_back(to_json(*info.nested, child));
    } else if (info.kind == option_kind::text_list) {
      out.push_back(child.text);
    } else if (info.kind == option_kind::resources) {
      out[child.key] = number(child.text);
    } else {
      out[child.key] = names_a_secret(child.key) ? std::string{hidden_value} : child.text;
    }
  }
  return out;
}

json to_json(const option_section& section, const option_value& map) {
  auto out = json::object();
  for (const auto& o : section.options) {
    if (const auto* v = map.find(o.info.name)) out[o.info.name] = to_json(o.info, *v);
  }
  return out;
}

}  // namespace troupe::config
