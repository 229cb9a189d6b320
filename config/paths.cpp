// See paths.hpp.
#include "config/paths.hpp"

#include <filesystem>

namespace troupe::config {

namespace {

using shape = option_value::shape;

struct resolver {
  const std::string& folder;
  const environment& variables;

  void resolve(option_value& v, path_rule rule) const {
    if (v.is == shape::list) {
      for (auto& child : v.children) resolve(child, rule);
    }
    // The text that stands for a hidden value is no path: it must reach its check as it is.
    if (v.is != shape::scalar || v.text.empty() || v.text == hidden_value) return;
    auto home = variables.find("HOME");
    if (v.text.starts_with("~/") && home != variables.end()) {
      v.text = home->second + v.text.substr(1);
    }
    bool searched = rule == path_rule::search && v.text.find('/') == std::string::npos;
    if (searched || v.text.front() == '/') return;
    std::filesystem::path base;
    if (v.at.from == option_origin::source::file) base = folder;
    std::error_code failed;  // no current folder: the path stays as it is
    auto absolute = std::filesystem::absolute(base / v.text, failed);
    if (!failed) v.text = absolute.lexically_normal().string();
  }

  void walk(const option_section& section, option_value& tree) const {
    if (tree.is != shape::map) return;
    for (auto& child : tree.children) {
      const auto* o = section.find(child.key);
      if (o) visit(o->info, child);
    }
  }

  void visit(const option_info& info, option_value& v) const {
    if (info.path != path_rule::none) resolve(v, info.path);
    if (info.kind == option_kind::section) walk(*info.nested, v);
    if (info.kind == option_kind::sections) {
      for (auto& item : v.children) walk(*info.nested, item);
    }
    if (info.kind == option_kind::variant) {
      const auto* type = v.find(type_key);
      for (const auto& c : info.cases) {
        if (type && type->text == c.type) walk(*c.options, v);
      }
    }
  }
};

}  // namespace

void resolve_paths(const option_section& section, option_value& tree, const std::string& folder,
                   const environment& variables) {
  resolver{folder, variables}.walk(section, tree);
}

}  // namespace troupe::config
