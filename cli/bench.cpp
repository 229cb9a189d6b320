// troupe bench: what this build does on this machine.
#include "bench/bench.hpp"

#include "bench/graphs.hpp"
#include "cli/commands.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

struct bench_flags {
  bench::options options;
  std::string shown_graph;
  bool list_graphs = false;
};

std::string figure(double x) {
  char text[64];
  std::snprintf(text, sizeof text, x >= 1000 ? "%.0f" : x >= 10 ? "%.1f" : "%.3g", x);
  return text;
}

json json_of(const bench::report& r) {
  json metrics = json::object();
  for (const auto& m : r.metrics()) {
    json row{{"median", m.median()}, {"least", m.least()}, {"most", m.most()}, {"samples", m.samples.size()}};
    json budgets = json::array();
    for (const auto& b : m.budgets)
      budgets.push_back({{b.which == bench::budget::side::at_least ? "at_least" : "at_most", b.bound},
                         {"words", b.words},
                         {"holds", b.holds(m.median())}});
    if (!budgets.empty()) row["budgets"] = std::move(budgets);
    metrics[m.name] = std::move(row);
  }
  return {{"version", TROUPE_VERSION}, {"holds", r.holds()}, {"metrics", std::move(metrics)}};
}

table table_of(const bench::report& r) {
  table t({{"METRIC"}, {"MEDIAN", align::right}, {"LEAST", align::right}, {"MOST", align::right},
           {"BUDGET", align::left, true}});
  for (const auto& m : r.metrics()) {
    std::string words;
    for (const auto& b : m.budgets)
      words += std::string{words.empty() ? "" : "; "} +
               (b.which == bench::budget::side::at_least ? "≥ " : "≤ ") + b.words +
               (b.holds(m.median()) ? ": holds" : ": MISSED");
    t.add({m.name, figure(m.median()), figure(m.least()), figure(m.most()),
           {words, m.holds() ? style::plain : style::red}});
  }
  return t;
}

std::string listed() {
  std::string text;
  for (const auto& s : bench::scenarios)
    text += "\n  " + std::string{s.name} + std::string(12 - std::string{s.name}.size(), ' ') + s.what;
  return text;
}

// One source of the graphs for everything that runs them: see bench/peers.
json json_of(const bench::graph_shape& shape, const bench::task_graph& g) {
  return {
      {"name", g.name},
      {"published",
       {{"tasks", shape.tasks}, {"dependencies", shape.dependencies}, {"mean_ms", shape.mean_ms}}},
      {"task_us", g.task_us},
      {"tasks", g.inputs.size()},
      {"dependencies", g.dependencies()},
      {"longest_path", g.longest_path()},
      {"inputs", g.inputs}};
}

void list_graphs(output& out) {
  json all = json::array();
  table t({{"GRAPH"},
           {"TASKS", align::right},
           {"DEPENDENCIES", align::right},
           {"LONGEST PATH", align::right},
           {"MEAN MS", align::right},
           {"WHAT", align::left, true}});
  for (const auto& s : bench::graph_shapes) {
    all.push_back({{"name", s.name},
                   {"tasks", s.tasks},
                   {"dependencies", s.dependencies},
                   {"longest_path", s.longest_path},
                   {"mean_ms", s.mean_ms}});
    t.add({s.name, std::to_string(s.tasks), std::to_string(s.dependencies),
           std::to_string(s.longest_path), figure(s.mean_ms), s.what});
  }
  if (out.is_json())
    out.print_json(all);
  else
    out.print(t);
}

exit_code run_bench(context& c, const bench_flags& f) {
  if (f.list_graphs) {
    list_graphs(c.out);
    return exit_code::done;
  }
  if (!f.shown_graph.empty()) {
    const auto& shape = *bench::find_graph(f.shown_graph);
    c.out.print_compact(json_of(shape, bench::make_graph(shape, f.options.scale)));
    return exit_code::done;
  }
  auto o = f.options;
  o.progress = [&](const std::string& step) { c.out.note(step); };
  try {
    auto r = c.outside.measure(o);
    if (c.out.is_json())
      c.out.print_json(json_of(r));
    else
      c.out.print(table_of(r));
  } catch (const std::exception& e) {
    request_failed(std::string{"can't measure: "} + e.what());
  }
  return exit_code::done;
}

}  // namespace

void add_bench(command_line& line) {
  static const std::string help =
      "  troupe bench                        # every scenario, some minutes\n"
      "  troupe bench noop roundtrip\n"
      "  troupe bench core --scale 0.1 -o json\n"
      "  troupe bench graph --graph tree-15 --workers 2\n\n"
      "Head, worker and client are processes of their own. Each scenario measures a\n"
      "reference in the same run; a budget is judged by the median of the rounds.\n\n"
      "The graphs (--list-graphs) are those of 'Runtime vs Scheduler: Analyzing Dask's\n"
      "Overheads'. Their tasks do nothing where the published mean is the cost of a Python\n"
      "call, and run on 1 slot; the others sleep for the mean, on 24 slots: one node of the\n"
      "paper. bench/peers runs the same graphs with other systems.\n\n"
      "Scenarios:" +
      listed();
  auto* command =
      line.add("bench", group_other, "Measure this build on this machine", help.c_str());
  auto f = std::make_shared<bench_flags>();
  auto& o = f->options;
  std::vector<std::string> names, graphs;
  for (const auto& s : bench::scenarios) names.emplace_back(s.name);
  for (const auto& s : bench::graph_shapes) graphs.emplace_back(s.name);
  command->add_option("scenarios", o.scenarios, "Which ones (default: all)")
      ->type_name("SCENARIO")
      ->check(one_of(names));
  command->add_option("--rounds", o.rounds, "How often each is measured")
      ->type_name("N")
      ->check(in_range(1, 100));
  command->add_option("--scale", o.scale, "Of the number of tasks, such as 0.01 for a quick look")
      ->type_name("SHARE")
      ->check(CLI::Range(0.0001, 100.0));
  command->add_option("--workers", o.workers, "Worker processes (default: 1)")
      ->type_name("N")
      ->check(in_range(1, 64));
  command->add_option("--slots", o.slots, "Slots of each (default: what the scenario has)")
      ->type_name("N")
      ->check(in_range(1, 1024));
  command->add_option("--graph", o.graphs, "Only this graph; may be repeated")
      ->type_name("GRAPH")
      ->check(one_of(graphs));
  command->add_flag("--commands", o.commands,
                    "Tasks of graphs are commands (true, sleep), not calls");
  command->add_flag("--list-graphs", f->list_graphs,
                    "Say what graphs there are, and measure nothing");
  command->add_option("--show-graph", f->shown_graph, "Print the graph as JSON, --scale of it")
      ->type_name("GRAPH")
      ->check(one_of(graphs));
  line.run(command, [&line, f] { return run_bench(line.c, *f); });
}

}  // namespace troupe::cli
