// A graph of tasks as a YAML file (docs/graph-files.md) → a job to submit. Every problem of the file
// is found at once, each with its line and column. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "troupe/client.hpp"

namespace troupe::cli {

struct graph_problem {
  int line = 0, column = 0;  // from 1; 0: of the whole file
  std::string text;
  friend bool operator==(const graph_problem&, const graph_problem&) = default;
};

struct parsed_graph {
  job_draft draft;  // held and detached; labels are the tasks' ids. Meaningless if there are problems
  std::vector<graph_problem> problems;  // in the order of the file
};

parsed_graph parse_graph(const std::string& text);

// "FILE:LINE:COLUMN: text", a line each; after `most` of them only how many more there are.
std::string describe(const std::vector<graph_problem>& problems, const std::string& file,
                     std::size_t most = 50);

}  // namespace troupe::cli
