// YAML into option trees, with the place of every key and value. Knows no options. The only user of
// yaml-cpp; nothing of it shows here, and none of its exceptions leave.
//
// Safe on any input: bounded in size, depth and number of values, also where aliases multiply them.
// Understands anchors, aliases and merge keys (<<); refuses other documents in the same file, keys
// that are not text, and tags of other programs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "libruntime/option_tree.hpp"
#include "libruntime/options.hpp"

namespace troupe::config {

struct yaml_limits {
  std::size_t bytes = std::size_t{1} << 20;
  std::size_t values = 100'000;  // after aliases have been followed
  std::size_t depth = 64;
};

// The tree of one document; `name` stands for the file in every place. Nothing if the text could
// not be understood, with the reason in the report: one problem, at the first place that makes no
// sense. An empty text gives a tree of shape `nothing`.
std::optional<option_value> read_yaml(std::string_view text, const std::string& name,
                                      option_report& report, const yaml_limits& limits = {});

// The same for a file; reports one that can't be read.
std::optional<option_value> read_yaml_file(const std::string& path, option_report& report,
                                           const yaml_limits& limits = {});

}  // namespace troupe::config
