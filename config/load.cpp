// From a file and an environment to checked settings. See config.hpp.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <unistd.h>

#include "config/config.hpp"
#include "config/paths.hpp"
#include "config/time_zones.hpp"
#include "config/yaml.hpp"
#include "libruntime/settings_options.hpp"

namespace troupe::config {

namespace {

using shape = option_value::shape;
using reading = std::function<std::optional<option_value>(option_report&)>;

// Keys for the writer of the file alone: a place for anchors.
void drop_extensions(option_value& tree) {
  std::erase_if(tree.children, [](const auto& child) { return child.key.starts_with("x-"); });
}

// What stands for a missing key becomes part of the tree, so that variables find it there.
void add_missing(const option_section& section, option_value& tree) {
  for (const auto& o : section.options) {
    if (!o.info.when_absent || tree.find(o.info.name)) continue;
    if (tree.is == shape::nothing) tree.is = shape::map;
    if (tree.is == shape::map) tree.add(o.info.name, *o.info.when_absent);
  }
}

tl::expected<loaded, problems> load_with(const reading& read, const std::string& name,
                                         const environment& variables) {
  option_origin whole;
  if (!name.empty()) whole = {option_origin::source::file, name, 0, 0};
  option_report report{whole};
  auto tree = read(report);
  if (!tree) return tl::unexpected(report.problems());
  const auto& table = cluster_options();
  drop_extensions(*tree);
  add_missing(*table.section(), *tree);
  apply_environment(*table.section(), *tree, variables, report);
  auto folder = std::filesystem::path{name}.parent_path().string();
  resolve_paths(*table.section(), *tree, folder, variables);
  loaded out;
  out.file = name;
  table.read(*tree, out.settings, report);
  validate(out.settings, report);
  check_time_zones(out.settings, report);
  if (!report.ok()) return tl::unexpected(report.problems());
  out.origins = report.origins();
  out.warnings = report.warnings();
  return out;
}

}  // namespace

environment process_environment() {
  environment out;
  for (char** entry = environ; entry && *entry; ++entry) {
    std::string_view text{*entry};
    auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

tl::expected<loaded, problems> load(const std::string& path, const environment& variables) {
  if (path.empty()) {
    return load_with([](option_report&) { return option_value::map(); }, path, variables);
  }
  return load_with([&](option_report& report) { return read_yaml_file(path, report); }, path,
                   variables);
}

tl::expected<loaded, problems> load_text(std::string_view yaml, const std::string& name,
                                         const environment& variables) {
  return load_with([&](option_report& report) { return read_yaml(yaml, name, report); }, name,
                   variables);
}

std::string to_text(const problems& list) {
  std::string out;
  for (const auto& p : list) out += to_string(p) + "\n";
  return out;
}

check_result check(const std::string& path, const environment& variables) {
  auto result = load(path, variables);
  if (!result) {
    auto n = result.error().size();
    return {false, to_text(result.error()) + path + ": " + std::to_string(n) +
                       (n == 1 ? " problem\n" : " problems\n")};
  }
  std::string text;
  for (const auto& w : result->warnings) text += "warning: " + to_string(w) + "\n";
  return {true, text + path + ": good\n"};
}

}  // namespace troupe::config
