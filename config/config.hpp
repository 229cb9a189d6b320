// The configuration of a cluster: read, checked, shown and documented. Every problem of a file and
// of the environment is found at once and names its place, the option and what is allowed.
//
// Environment overrides file overrides default. Nothing here keeps state; any thread may call it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/environment.hpp"
#include "libruntime/option_tree.hpp"
#include "libruntime/options.hpp"
#include "libruntime/settings.hpp"

namespace troupe::config {

struct loaded {
  cluster_settings settings;
  // Where every value came from that was given, by path ("pools[0].max"); the rest are defaults.
  std::map<std::string, option_origin> origins;
  std::vector<option_problem> warnings;
  std::string file;  // as it was named; empty: none
};

using problems = std::vector<option_problem>;

// What the process was started with.
environment process_environment();

// Reads a file. With an empty path: what holds without a file.
tl::expected<loaded, problems> load(const std::string& path, const environment& variables);
// The same for a text; `name` stands for the file in problems, and its folder is where relative
// paths begin.
tl::expected<loaded, problems> load_text(std::string_view yaml, const std::string& name,
                                         const environment& variables);

// A configuration that was read elsewhere; the name says where.
struct document {
  std::string yaml, name;
};
// How a cluster that runs gets a configuration: from a document, or (null) from its own file, as that
// is now.
using reader = std::function<tl::expected<loaded, problems>(const document*)>;

// One line a problem, each ending in a newline.
std::string to_text(const problems& list);

// What `troupe config check` prints, and whether the file is good (warnings are).
struct check_result {
  bool ok = false;
  std::string text;
};
check_result check(const std::string& path, const environment& variables);

// The settings in effect, as YAML that loads as the same settings; a comment at each value says
// where it came from. Secrets are hidden.
std::string show(const loaded& configuration);
// The settings in effect as JSON, for the HTTP API. Secrets are hidden.
std::string show_json(const cluster_settings& settings);
// A JSON Schema (2020-12) of the file, for editors.
std::string schema();
// docs/configuration.md.
std::string reference_markdown();

}  // namespace troupe::config
