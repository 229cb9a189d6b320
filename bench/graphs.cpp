// The published table has counts only. merge and tree follow from their names; the others are built
// here after what the measured programs do (their source is public, in the rsds repository) so that
// tasks, dependencies and longest path are the published ones. They are no copies of Dask's graphs.
#include "bench/graphs.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace troupe::bench {
namespace {

using task = std::uint32_t;
using tasks = std::vector<task>;

class builder {
 public:
  explicit builder(task_graph& g) : graph_(g) {}

  task add(tasks inputs = {}) {
    graph_.inputs.push_back(std::move(inputs));
    return static_cast<task>(graph_.inputs.size() - 1);
  }
  tasks add_each(const tasks& inputs) {
    tasks out;
    for (auto t : inputs) out.push_back(add({t}));
    return out;
  }
  tasks sources(std::uint32_t n) {
    tasks out;
    while (out.size() < n) out.push_back(add());
    return out;
  }
  // Groups of `arity` until one is left. A group of one needs no task: Dask fuses it with its
  // input.
  task reduce(tasks level, std::size_t arity) {
    while (level.size() > 1) {
      tasks next;
      for (std::size_t i = 0; i < level.size(); i += arity) {
        auto end = std::min(i + arity, level.size());
        next.push_back(end - i == 1 ? level[i]
                                    : add(tasks(level.begin() + static_cast<std::ptrdiff_t>(i),
                                                level.begin() + static_cast<std::ptrdiff_t>(end))));
      }
      level = std::move(next);
    }
    return level.front();
  }

 private:
  task_graph& graph_;
};

void merge(builder b, std::uint32_t n) {
  b.add(b.sources(n));
}

// The first additions take plain numbers, so they have no inputs.
void tree(builder b, std::uint32_t numbers) {
  b.reduce(b.sources(numbers / 2), 2);
}

// Blocks of a grid over time. In each block the mean of every week of the year is taken, the means
// are joined and subtracted from the block's values, and the differences are added up over all
// blocks.
void xarray(builder b, std::uint32_t blocks) {
  constexpr std::uint32_t weeks = 52;
  auto calendar = b.add({b.add()});
  auto week_indices = b.add_each(tasks(weeks, calendar));
  tasks differences;
  for (std::uint32_t block = 0; block < blocks; ++block) {
    auto bounds = b.add(), scale = b.add(), offset = b.add();
    auto loaded = b.add({bounds});
    auto decoded = b.add({loaded, scale, offset});
    tasks means;
    for (auto week : week_indices) {
      auto taken = b.add({decoded, week});
      means.push_back(b.add({b.add({taken})}));
    }
    auto joined = b.add(std::move(means));
    auto values = decoded;
    for (int step = 0; step < 4; ++step) values = b.add({values});  // cast, mask, fill, align
    differences.push_back(b.add({values, joined}));
  }
  b.reduce(std::move(differences), 4);
}

// The product of a filtered data set with itself, part by part; each pair is filtered and counted.
void bag(builder b, std::uint32_t parts) {
  auto filtered = b.add_each(b.sources(parts));
  tasks counts;
  for (auto left : filtered)
    for (auto right : filtered)
      counts.push_back(b.add({b.add(left == right ? tasks{left} : tasks{left, right})}));
  b.reduce(std::move(counts), 8);
}

// Of a table in parts by time: the means of one column by group, and means of a filtered column
// over windows of time, which reach into the next part; the sum of both.
void groupby(builder b, std::uint32_t parts) {
  auto tables = b.sources(parts);
  auto by_group = b.add_each(tables);
  auto filtered = b.add_each(tables);
  tasks by_window;
  for (std::uint32_t i = 0; i < parts; ++i)
    by_window.push_back(i + 1 < parts ? b.add({filtered[i], b.add({filtered[i + 1]})})
                                      : b.add({filtered[i]}));
  auto groups = b.reduce(std::move(by_group), 8);
  auto windows = b.reduce(std::move(by_window), 8);
  auto sums = b.add({groups}), counts = b.add({groups}), names = b.add();
  b.add({b.add({sums, counts, names}), windows});
}

// The size of a shape, and which exponent of it the number of tasks follows.
struct recipe {
  const char* name;
  void (*build)(builder, std::uint32_t);
  std::uint32_t size;
  double exponent;
};
constexpr recipe recipes[] = {
    {"merge-10K", merge, 10'000, 1},
    {"merge-100K", merge, 100'000, 1},
    {"merge_slow-5K-0.1", merge, 5'000, 1},
    {"tree-15", tree, 1u << 15, 1},
    {"xarray-5", xarray, 55, 1},
    {"bag-25K-200", bag, 200, 2},
    {"groupby-90-1S-1H", groupby, 2'160, 1},
};

}  // namespace

std::size_t task_graph::dependencies() const {
  std::size_t n = 0;
  for (const auto& of : inputs) n += of.size();
  return n;
}

std::uint32_t task_graph::longest_path() const {
  std::vector<std::uint32_t> depth(inputs.size(), 0);
  for (std::size_t t = 0; t < inputs.size(); ++t)
    for (auto i : inputs[t]) depth[t] = std::max(depth[t], depth[i] + 1);
  return depth.empty() ? 0 : *std::max_element(depth.begin(), depth.end());
}

const graph_shape* find_graph(std::string_view name) {
  for (const auto& s : graph_shapes)
    if (s.name == name) return &s;
  return nullptr;
}

task_graph make_graph(const graph_shape& shape, double share) {
  task_graph g;
  g.name = shape.name;
  g.task_us =
      shape.mean_ms < 0.05 ? 0 : static_cast<std::uint32_t>(std::lround(shape.mean_ms * 1000));
  for (const auto& r : recipes) {
    if (std::strcmp(r.name, shape.name) != 0) continue;
    auto size = static_cast<std::uint32_t>(std::lround(r.size * std::pow(share, 1 / r.exponent)));
    r.build(builder{g}, std::max(size, 2u));
  }
  return g;
}

}  // namespace troupe::bench
