// Graphs end to end: client, head and workers are processes, TLS on. A task of a graph takes the
// results of the tasks it depends on as its argument, and sleeps for the mean duration, so that
// more slots than cores are of use and what is measured is Troupe and not this machine's speed.
#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "bench/bench.hpp"
#include "bench/clock.hpp"
#include "bench/cluster_process.hpp"
#include "bench/graphs.hpp"
#include "libruntime/arguments.hpp"

namespace troupe::bench {
namespace {

constexpr std::uint32_t slots_of_published_node = 24;

task_spec call() {
  task_spec spec;
  spec.function = "bench.task";
  return spec;
}

task_spec command(std::uint32_t us) {
  task_spec spec;
  spec.kind = task_kind::exec;
  if (us == 0)
    spec.command.argv = {"/bin/true"};
  else
    spec.command.argv = {"/bin/sleep", std::to_string(us / 1e6)};
  return spec;
}

value arguments(std::size_t inputs, std::uint32_t us) {
  std::vector<input_reference> all;
  for (std::uint32_t i = 0; i < inputs; ++i) all.push_back({i});
  return pack_arguments(all, us);
}

job_draft draft(const task_graph& g, bool commands) {
  job_draft d;
  d.name = g.name;
  d.lifetime = protocol::lifetime::client;
  d.hold = true;
  d.templates = {commands ? command(g.task_us) : call()};
  d.tasks.resize(g.inputs.size());
  const auto source = arguments(0, g.task_us);
  for (std::size_t i = 0; i < g.inputs.size(); ++i) {
    if (commands) {
      d.tasks[i].after = g.inputs[i];
    } else {
      d.tasks[i].inputs = g.inputs[i];
      d.tasks[i].arguments =
          g.inputs[i].empty() ? source : arguments(g.inputs[i].size(), g.task_us);
    }
  }
  return d;
}

void run_graph(const client& c, const task_graph& g, const options& o, report& r) {
  auto d = draft(g, o.commands);
  auto rate = [&] {
    auto copy = d;
    stopwatch watch;
    auto job = c.submit_job(std::move(copy));
    if (!job.wait_for(std::chrono::minutes{10}))
      throw std::runtime_error(g.name + " took over 10 minutes");
    if (job.failed() > 0) throw std::runtime_error(g.name + ": tasks failed");
    return static_cast<double>(g.inputs.size()) / watch.seconds();
  };
  // Some milliseconds say nothing of a cluster that has never had a graph.
  if (g.task_us == 0 && !o.commands) rate();
  o.each_round("graph " + g.name,
               [&] { r.add("graph." + g.name + ".tasks_per_s", rate()); });
}

void run_graphs(const std::vector<task_graph>& graphs, std::uint32_t slots, const options& o,
                report& r) {
  if (graphs.empty()) return;
  o.progress("graph: starting a cluster");
  cluster_process cluster(fixed_cluster(o, 1, slots));
  auto c = cluster.connect();
  c.map<int>("bench.noop", std::vector<std::tuple<>>(1000)).wait();
  for (const auto& g : graphs) run_graph(c, g, o, r);
}

}  // namespace

void graph(const options& o, report& r) {
  std::vector<task_graph> instant, lasting;
  for (const auto& shape : graph_shapes) {
    const auto& wanted = o.graphs;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), shape.name) == wanted.end())
      continue;
    auto g = make_graph(shape, o.scale);
    (g.task_us == 0 ? instant : lasting).push_back(std::move(g));
  }
  run_graphs(instant, 1, o, r);
  run_graphs(lasting, slots_of_published_node, o, r);
}

}  // namespace troupe::bench
