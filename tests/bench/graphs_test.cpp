#include "bench/graphs.hpp"

#include <algorithm>
#include <set>

#include "tests/support/catch.hpp"

using namespace troupe::bench;

namespace {

// Inputs come before their task, which rules out cycles, and once each.
void check_order(const task_graph& g) {
  for (std::size_t t = 0; t < g.inputs.size(); ++t) {
    std::set<std::uint32_t> seen;
    for (auto i : g.inputs[t]) {
      REQUIRE(i < t);
      REQUIRE(seen.insert(i).second);
    }
  }
}

// Tasks whose result no other takes.
std::size_t ends(const task_graph& g) {
  std::vector<bool> taken(g.inputs.size(), false);
  for (const auto& of : g.inputs)
    for (auto i : of) taken[i] = true;
  return static_cast<std::size_t>(std::count(taken.begin(), taken.end(), false));
}

}  // namespace

TEST_CASE("every graph has the published counts and longest path, no cycle and one end") {
  for (const auto& shape : graph_shapes) {
    INFO(shape.name);
    auto g = make_graph(shape);
    CHECK(g.name == shape.name);
    CHECK(g.inputs.size() == shape.tasks);
    CHECK(g.dependencies() == shape.dependencies);
    CHECK(g.longest_path() == shape.longest_path);
    CHECK(ends(g) == 1);
    check_order(g);
  }
}

TEST_CASE("a share of a graph has about that share of its tasks and the same shape") {
  for (const auto& shape : graph_shapes)
    for (double share : {0.1, 0.5, 2.0}) {
      INFO(shape.name << " x " << share);
      auto g = make_graph(shape, share);
      CHECK(static_cast<double>(g.inputs.size()) == Approx(share * shape.tasks).epsilon(0.2));
      CHECK(ends(g) == 1);
      check_order(g);
    }
  CHECK(make_graph(*find_graph("merge-10K"), 1e-9).inputs.size() == 3);
}

TEST_CASE(
    "tasks take the published mean, or nothing where that is only the cost of a Python call") {
  CHECK(make_graph(*find_graph("merge-10K")).task_us == 0);
  CHECK(make_graph(*find_graph("tree-15")).task_us == 0);
  CHECK(make_graph(*find_graph("merge_slow-5K-0.1"), 0.01).task_us == 100'000);
  CHECK(make_graph(*find_graph("xarray-5")).task_us == 400);
  CHECK(make_graph(*find_graph("groupby-90-1S-1H")).task_us == 3'900);
}

TEST_CASE("a graph of an unknown name is none") {
  CHECK(find_graph("merge-11K") == nullptr);
}
