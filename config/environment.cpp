// See environment.hpp. Every option that a variable could name is listed first, for this tree,
// since the names of pools are part of variables' names; then each variable is looked up.
#include "config/environment.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <variant>
#include <vector>

namespace troupe::config {

namespace {

using shape = option_value::shape;
using step = std::variant<std::string, std::size_t>;  // a key of a map, an index of a list

constexpr std::string_view prefix = "TROUPE_";

// Set or read by commands, tasks and workers.
constexpr std::array<std::string_view, 9> reserved{
    "TROUPE_ADDRESS", "TROUPE_JOB_ID", "TROUPE_TASK_ID", "TROUPE_TASK_INDEX", "TROUPE_ATTEMPT",
    "TROUPE_CERTS",   "TROUPE_TOKEN",  "TROUPE_ENTRY",   "TROUPE_CLUSTER"};

struct target {
  std::vector<step> steps;
  option_kind kind = option_kind::text;
};
// By variable. Maps of texts stand here with a trailing "_" too, for their entries.
using targets = std::map<std::string, target>;

std::string upper(std::string_view name) {
  std::string out;
  for (char c : name) {
    auto byte = static_cast<unsigned char>(c);
    out += std::isalnum(byte) ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return out;
}

class target_lister {
 public:
  explicit target_lister(targets& out) : out_(out) {}

  void list(const option_section& section, const option_value* node, const std::string& name,
            std::string_view skip = {}) {
    for (const auto& o : section.options) {
      if (o.info.name == skip) continue;
      steps_.emplace_back(o.info.name);
      list_option(o.info, node ? node->find(o.info.name) : nullptr, name + upper(o.info.name));
      steps_.pop_back();
    }
  }

 private:
  void list_option(const option_info& info, const option_value* node, const std::string& name) {
    switch (info.kind) {
      case option_kind::section:
        list(*info.nested, node, name + "_");
        break;
      case option_kind::sections:
        list_items(info, node, name + "_");
        break;
      case option_kind::variant:
        list_cases(info, node, name + "_");
        break;
      case option_kind::text_map:
        out_.emplace(name + "_", target{steps_, option_kind::text});
        [[fallthrough]];
      default:
        out_.emplace(name, target{steps_, info.kind});
    }
  }

  void list_items(const option_info& info, const option_value* node, const std::string& name) {
    if (info.named_by.empty() || !node || node->is != shape::list) return;
    for (std::size_t i = 0; i < node->children.size(); ++i) {
      const auto& item = node->children[i];
      const auto* id = item.find(info.named_by);
      if (!id || id->is != shape::scalar) continue;
      steps_.emplace_back(i);
      list(*info.nested, &item, name + upper(id->text) + "_", info.named_by);
      steps_.pop_back();
    }
  }

  void list_cases(const option_info& info, const option_value* node, const std::string& name) {
    steps_.emplace_back(std::string{type_key});
    out_.emplace(name + upper(type_key), target{steps_, option_kind::choice});
    steps_.pop_back();
    // Of every case: the variable may come with another that changes the type.
    for (const auto& c : info.cases) list(*c.options, node, name);
  }

  targets& out_;
  std::vector<step> steps_;
};

void set_origin(option_value& v, const option_origin& at) {
  v.at = at;
  v.key_at = at;
  for (auto& child : v.children) set_origin(child, at);
}

std::string_view trim(std::string_view text) {
  auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  if (trim(text).empty()) return out;
  while (true) {
    auto comma = text.find(',');
    out.push_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

// The variable's text in the shape of its option; nothing if it can't have it.
std::optional<option_value> shaped(const std::string& text, option_kind kind) {
  if (kind == option_kind::text_list) {
    auto list = option_value::list();
    for (auto item : split(text)) {
      list.children.push_back(option_value::scalar(std::string{item}));
    }
    return list;
  }
  if (kind == option_kind::resources || kind == option_kind::text_map) {
    auto map = option_value::map();
    for (auto item : split(text)) {
      auto equals = item.find('=');
      if (equals == std::string_view::npos) return std::nullopt;
      map.add(std::string{trim(item.substr(0, equals))},
              option_value::scalar(std::string{trim(item.substr(equals + 1))}));
    }
    return map;
  }
  return option_value::scalar(text);
}

// The node at the end of the steps, made where it isn't there. Null: something on the way is no
// map, which reading the tree will report.
option_value* reach(option_value& root, const std::vector<step>& steps, const option_origin& at) {
  auto* node = &root;
  for (const auto& s : steps) {
    if (auto* index = std::get_if<std::size_t>(&s)) {
      node = &node->children.at(*index);
      continue;
    }
    const auto& key = std::get<std::string>(s);
    if (node->is == shape::nothing) node->is = shape::map;
    if (node->is != shape::map) return nullptr;
    auto* child = node->find(key);
    if (!child) {
      option_value fresh;
      set_origin(fresh, at);
      child = &node->add(key, std::move(fresh));
    }
    node = child;
  }
  return node;
}

std::string written(const std::vector<step>& steps) {
  std::string out;
  for (const auto& s : steps) {
    if (auto* index = std::get_if<std::size_t>(&s)) {
      out += "[" + std::to_string(*index) + "]";
    } else {
      out += (out.empty() ? "" : ".") + std::get<std::string>(s);
    }
  }
  return out;
}

void apply(option_value& tree, const target& t, const option_origin& at, const std::string& text,
           option_report& report) {
  auto value = shaped(text, t.kind);
  if (!value) {
    report.problem(at, written(t.steps),
                   quote(text) + " is not allowed; expected NAME=VALUE,NAME=VALUE…");
    return;
  }
  auto* node = reach(tree, t.steps, at);
  if (!node) return;
  value->key = node->key;
  set_origin(*value, at);
  *node = std::move(*value);
}

// The option of a variable, or of the map of texts that it is an entry of.
std::optional<target> look_up(const targets& known, const std::string& variable) {
  if (auto found = known.find(variable); found != known.end()) return found->second;
  for (auto cut = variable.rfind('_'); cut != std::string::npos && cut > 0;
       cut = variable.rfind('_', cut - 1)) {
    auto found = known.find(variable.substr(0, cut + 1));
    if (found == known.end() || cut + 1 == variable.size()) continue;
    auto t = found->second;
    t.steps.emplace_back(variable.substr(cut + 1));
    return t;
  }
  return std::nullopt;
}

bool below_known_section(const option_section& root, const std::string& variable) {
  for (const auto& o : root.options) {
    if (variable.starts_with(std::string{prefix} + upper(o.info.name) + "_")) return true;
  }
  return false;
}

void warn_unknown(const targets& known, const option_origin& at, option_report& report) {
  std::vector<std::string> names;
  for (const auto& [name, t] : known) {
    if (!name.ends_with('_')) names.push_back(name);
  }
  auto close = nearest(at.name, names);
  report.warn(at, "",
              "no option has this name" + (close.empty() ? "" : "; did you mean " + close + "?"));
}

}  // namespace

std::string variable_of(const std::string& path) {
  return std::string{prefix} + upper(path);
}

void apply_environment(const option_section& root, option_value& tree, const environment& variables,
                       option_report& report) {
  targets known;
  for (const auto& [name, text] : variables) {
    bool ours = name.starts_with(prefix) &&
                std::find(reserved.begin(), reserved.end(), name) == reserved.end();
    if (!ours || !below_known_section(root, name)) continue;
    // Listed on first need: most environments have no such variable. Setting a value changes no
    // item's name, so the list stays right.
    if (known.empty()) target_lister{known}.list(root, &tree, std::string{prefix});
    option_origin at{option_origin::source::environment, name, 0, 0};
    if (auto t = look_up(known, name)) {
      apply(tree, *t, at, text, report);
    } else {
      warn_unknown(known, at, report);
    }
  }
}

}  // namespace troupe::config
