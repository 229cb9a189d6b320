// The task graphs that Troupe and its peers are measured with: those of "Runtime vs Scheduler:
// Analyzing Dask's Overheads" (Beránek and Böhm, 2020), with the counts, longest paths and mean
// durations that Beránek's thesis (2024, appendix, "Properties of Dask benchmark task graphs")
// gives. Pure: a graph is lists of numbers. The one source of these shapes; bench/peers reads them
// from `troupe bench --show-graph`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

struct graph_shape {
  const char* name;  // the paper's
  std::uint32_t tasks;
  std::uint32_t dependencies;
  std::uint32_t longest_path;  // in dependencies
  double mean_ms;              // of a task, as Dask's workers ran it
  const char* what;
};

inline constexpr graph_shape graph_shapes[] = {
    {"merge-10K", 10'001, 10'000, 1, 0.006, "10,000 tasks and one that takes all their results"},
    {"merge-100K", 100'001, 100'000, 1, 0.006, "the same with 100,000"},
    {"merge_slow-5K-0.1", 5'001, 5'000, 1, 100,
     "5,000 tasks of 0.1 s and one that takes their results"},
    {"tree-15", 32'767, 32'766, 14, 0.007, "2^15 numbers, added in pairs"},
    {"xarray-5", 9'258, 14'976, 10, 0.4, "a grid of temperatures less their weekly means"},
    {"bag-25K-200", 86'116, 165'715, 9, 3.6, "every pair of 200 parts of a data set"},
    {"groupby-90-1S-1H", 11'424, 15'743, 8, 3.9, "means by group of a table in 2,160 parts"},
};

struct task_graph {
  std::string name;
  // What every task takes: the mean. 0 where it is only what a Python call costs (below 50 µs).
  std::uint32_t task_us = 0;
  // By task: the tasks whose results it takes. All come before it.
  std::vector<std::vector<std::uint32_t>> inputs;

  std::size_t dependencies() const;
  std::uint32_t longest_path() const;  // in dependencies
};

// nullptr: there is none of this name.
const graph_shape* find_graph(std::string_view name);

// At share 1 it has exactly the published counts. Others have the same shape with about so many
// tasks, but at least the smallest number that still has it.
task_graph make_graph(const graph_shape& shape, double share = 1);

}  // namespace troupe::bench
