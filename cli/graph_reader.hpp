// What the parts of the graph file's parser share. Internal to cli/graph_*.cpp: the only files of
// this folder that know yaml-cpp.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "cli/graph_file.hpp"
#include "cli/text.hpp"

namespace troupe::cli {

class graph_problems {
 public:
  void add(const YAML::Node& at, std::string text);
  void add(const YAML::Mark& at, std::string text);
  std::vector<graph_problem> take_sorted();

 private:
  std::vector<graph_problem> list_;
};

// One of the file's tasks while it is read.
struct graph_task {
  struct reference {
    std::string id;
    YAML::Node at;
  };
  YAML::Node node;  // the map
  std::string id;
  std::string where;  // "task \"a\"", or "tasks[3]" when it has no id
  task_spec spec;
  value arguments;
  std::vector<reference> inputs;  // in the order of their positions in `arguments`, each once
  std::vector<reference> after;
};

// The options of a task, as `defaults` and tasks may give them.
void read_defaults(const YAML::Node& map, task_spec& defaults, graph_problems& problems);
// Everything of one task but its id. `task.spec` holds the defaults on entry.
void read_task(graph_task& task, graph_problems& problems);

// `args`: a sequence of values in which {from: ID} is the result of another task and {literal: X}
// is X as it stands. Fills arguments and inputs.
void read_arguments(const YAML::Node& args, graph_task& task, graph_problems& problems);

// Reports tasks that wait for each other in a circle; `needs[i]` are positions.
void report_cycles(const std::vector<graph_task>& tasks,
                   const std::vector<std::vector<task_index>>& needs, graph_problems& problems);

// "a map", "a list", "\"text\"", "nothing": for messages.
std::string describe_node(const YAML::Node& n);

// Calls f(key, value node) for each entry; reports keys that aren't text, and repeated ones.
template <class F>
void for_each_key(const YAML::Node& map, const std::string& where, graph_problems& problems, F f) {
  std::unordered_map<std::string, int> seen;
  for (const auto& entry : map) {
    if (!entry.first.IsScalar()) {
      problems.add(entry.first, where + ": a key must be text, this is " +
                                    describe_node(entry.first));
      continue;
    }
    const auto& key = entry.first.Scalar();
    auto [at, fresh] = seen.emplace(key, entry.first.Mark().line + 1);
    if (fresh) {
      f(entry.first, entry.second);
    } else {
      problems.add(entry.first, where + ": " + in_quotes(key) + " stands here twice, first on line " +
                                    std::to_string(at->second));
    }
  }
}

}  // namespace troupe::cli
