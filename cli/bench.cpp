// troupe bench: what this build does on this machine.
#include "bench/bench.hpp"

#include "cli/commands.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

struct bench_flags {
  std::vector<std::string> scenarios;
  unsigned rounds = 3;
  double scale = 1;
};

std::string figure(double x) {
  char text[64];
  std::snprintf(text, sizeof text, x >= 1000 ? "%.0f" : x >= 10 ? "%.1f" : "%.3g", x);
  return text;
}

json json_of(const bench::report& r) {
  json metrics = json::object();
  for (const auto& m : r.metrics()) {
    json row{{"median", m.median()}, {"least", m.least()}, {"most", m.most()}, {"rounds", m.samples.size()}};
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

exit_code run_bench(context& c, const bench_flags& f) {
  bench::options o;
  o.scenarios = f.scenarios;
  o.rounds = f.rounds;
  o.scale = f.scale;
  o.progress = [&](const std::string& step) { c.out.note(step); };
  try {
    auto r = c.outside.measure(o);
    if (c.out.is_json()) c.out.print_json(json_of(r));
    else c.out.print(table_of(r));
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
                           "  troupe bench core --scale 0.1 -o json\n\n"
                           "Head, worker and client are processes of their own. Each scenario measures a\n"
                           "reference in the same run; a budget is judged by the median of the rounds.\n\n"
                           "Scenarios:" + listed();
  auto* command = line.add("bench", group_other, "Measure this build on this machine", help.c_str());
  auto f = std::make_shared<bench_flags>();
  std::vector<std::string> names;
  for (const auto& s : bench::scenarios) names.emplace_back(s.name);
  command->add_option("scenarios", f->scenarios, "Which ones (default: all)")
      ->type_name("SCENARIO")->check(one_of(names));
  command->add_option("--rounds", f->rounds, "How often each is measured")
      ->type_name("N")->check(in_range(1, 100));
  command->add_option("--scale", f->scale, "Of the number of tasks, such as 0.01 for a quick look")
      ->type_name("SHARE")->check(CLI::Range(0.0001, 100.0));
  line.run(command, [&line, f] { return run_bench(line.c, *f); });
}

}  // namespace troupe::cli
