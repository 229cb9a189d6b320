// Settings in effect, as YAML with the origin of every value, and as JSON. See config.hpp.
#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "config/json.hpp"
#include "libruntime/settings_options.hpp"

namespace troupe::config {

namespace {

using shape = option_value::shape;
using origins = std::map<std::string, option_origin>;

constexpr std::size_t comment_column = 40;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Whether every YAML reader takes it for the same text without quotes.
bool is_plain(std::string_view text) {
  static constexpr std::string_view words[] = {"true", "false", "null", "yes", "no", "on", "off"};
  std::string lower;
  for (char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (text.empty() || std::find(std::begin(words), std::end(words), lower) != std::end(words)) {
    return false;
  }
  bool letter = !(text.front() >= '0' && text.front() <= '9') && is_alnum(text.front());
  if (!letter && text.front() != '/' && text.front() != '_') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || std::string_view{"_./-+@"}.find(c) != std::string_view::npos;
  });
}

std::string quoted(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string text_of(std::string_view text) {
  return is_plain(text) ? std::string{text} : quoted(text);
}

class printer {
 public:
  explicit printer(const origins& from) : from_(from) {}

  std::string take() { return std::move(out_); }

  void section(const option_section& options, const option_value& map, const std::string& path,
               std::size_t indent) {
    for (const auto& o : options.options) {
      const auto* v = map.find(o.info.name);
      if (v) option(o.info, *v, path.empty() ? o.info.name : path + "." + o.info.name, indent);
    }
  }

 private:
  void option(const option_info& info, const option_value& v, const std::string& path,
              std::size_t indent) {
    switch (info.kind) {
      case option_kind::section:
        nested(info, v, path, indent);
        break;
      case option_kind::sections:
        items(info, v, path, indent);
        break;
      case option_kind::variant:
        chosen(info, v, path, indent);
        break;
      case option_kind::text_map:
        entries(info, v, path, indent);
        break;
      default:
        line(indent, info.name + ": " + inline_value(info, v), path);
    }
  }

  void nested(const option_info& info, const option_value& v, const std::string& path,
              std::size_t indent) {
    if (info.inherits.empty()) {
      line(indent, info.name + ":");
      section(*info.nested, v, path, indent + 2);
      return;
    }
    // Values that are the cluster's would only repeat; written down, they'd stop following it.
    auto own = given(*info.nested, v, path);
    if (own.children.empty()) {
      line(indent, "# " + info.name + ": as the cluster's " + info.inherits);
      return;
    }
    line(indent, info.name + ":");
    section(*info.nested, own, path, indent + 2);
  }

  // What of a section was given and not inherited.
  option_value given(const option_section& options, const option_value& map,
                     const std::string& path) const {
    auto out = option_value::map();
    for (const auto& child : map.children) {
      auto child_path = path + "." + child.key;
      if (!from_.contains(child_path)) continue;
      const auto* o = options.find(child.key);
      bool deeper = o && o->info.kind == option_kind::section;
      auto kept = deeper ? given(*o->info.nested, child, child_path) : child;
      if (!deeper || !kept.children.empty()) out.add(child.key, std::move(kept));
    }
    return out;
  }

  void items(const option_info& info, const option_value& v, const std::string& path,
             std::size_t indent) {
    if (v.children.empty()) {
      line(indent, info.name + ": []", path);
      return;
    }
    line(indent, info.name + ":");
    for (std::size_t i = 0; i < v.children.size(); ++i) {
      auto begin = out_.size();
      section(*info.nested, v.children[i], path + "[" + std::to_string(i) + "]", indent + 4);
      out_[begin + indent + 2] = '-';
    }
  }

  void chosen(const option_info& info, const option_value& v, const std::string& path,
              std::size_t indent) {
    line(indent, info.name + ":");
    const auto* type = v.find(type_key);
    line(indent + 2, std::string{type_key} + ": " + type->text, path + ".type");
    for (const auto& c : info.cases) {
      if (c.type == type->text) section(*c.options, v, path, indent + 2);
    }
  }

  void entries(const option_info& info, const option_value& v, const std::string& path,
               std::size_t indent) {
    if (v.children.empty()) {
      line(indent, info.name + ": {}", path);
      return;
    }
    line(indent, info.name + ":");
    for (const auto& child : v.children) {
      bool hide = info.secret || names_a_secret(child.key);
      auto text = hide ? quoted(hidden_value) : text_of(child.text);
      line(indent + 2, text_of(child.key) + ": " + text, path + "." + child.key);
    }
  }

  std::string inline_value(const option_info& info, const option_value& v) const {
    // Words such as on and off too: some readers of YAML take them for booleans.
    bool is_text = info.kind == option_kind::text || info.kind == option_kind::text_list ||
                   info.kind == option_kind::choice;
    if (info.secret && v.is != shape::nothing) return quoted(hidden_value);
    std::string out;
    switch (v.is) {
      case shape::nothing:
        return info.absent.empty() ? "null" : text_of(info.absent);
      case shape::scalar:
        return is_text ? text_of(v.text) : v.text;
      case shape::list:
        for (const auto& c : v.children) out += (out.empty() ? "" : ", ") + text_of(c.text);
        return "[" + out + "]";
      case shape::map:
        for (const auto& c : v.children) {
          out += (out.empty() ? "" : ", ") + text_of(c.key) + ": " + c.text;
        }
        return "{" + out + "}";
    }
    return out;
  }

  void line(std::size_t indent, const std::string& text) {
    out_ += std::string(indent, ' ') + text + "\n";
  }

  void line(std::size_t indent, const std::string& text, const std::string& path) {
    auto begin = std::string(indent, ' ') + text;
    auto found = from_.find(path);
    std::string origin = "default";
    if (found != from_.end()) {
      const auto& at = found->second;
      origin = at.from == option_origin::source::file ? at.name + ":" + std::to_string(at.line)
                                                      : to_string(at);
    }
    begin.resize(std::max(begin.size() + 2, comment_column), ' ');
    out_ += begin + "# " + origin + "\n";
  }

  const origins& from_;
  std::string out_;
};

}  // namespace

std::string show(const loaded& configuration) {
  const auto& table = cluster_options();
  printer p{configuration.origins};
  p.section(*table.section(), table.write(configuration.settings), "", 0);
  return p.take();
}

std::string show_json(const cluster_settings& settings) {
  const auto& table = cluster_options();
  auto replace = nlohmann::ordered_json::error_handler_t::replace;
  return to_json(*table.section(), table.write(settings)).dump(2, ' ', false, replace);
}

}  // namespace troupe::config
