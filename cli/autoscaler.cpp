// troupe autoscaler: what it decided and why, and what would change it; pausing it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <thread>

#include "cli/commands.hpp"
#include "cli/interrupts.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

struct log_flags {
  std::uint32_t limit = 20;
  std::string pool;
  bool follow = false;
};

json decisions(context& c, const json& parameters, const std::string& pool) {
  auto all = c.ask("autoscaler.log", parameters).value("decisions", json::array());
  if (pool.empty()) return all;
  json mine = json::array();
  for (auto& d : all)
    if (text_at(d, "pool") == pool) mine.push_back(std::move(d));
  return mine;
}

std::string short_number(double d) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", d);
  return text.data();
}

// "latency 0.31 of 0.2", "latency unavailable: timeout": the numbers behind a decision's reason.
std::string signals_of(const json& d) {
  std::string text;
  const auto inputs = d.value("inputs", json::object());
  for (const auto& s : inputs.value("signals", json::array())) {
    text += (text.empty() ? "" : ", ") + text_at(s, "name") + " ";
    const auto trouble = s.value("trouble", json());
    if (trouble.is_string())
      text += "unavailable: " + trouble.get<std::string>();
    else
      text += short_number(number_at(s, "value")) + " of " + short_number(number_at(s, "target"));
  }
  return text;
}

// `signals`: whether there is a column for them.
void add_row(table& t, const json& d, bool signals) {
  auto direction = text_at(d, "direction");
  auto look = direction == "up" ? style::green : direction == "down" ? style::yellow : style::plain;
  std::vector<cell> row{
      std::to_string(count_at(d, "number")),
      clock_time(number_at(d, "at"), static_cast<double>(std::time(nullptr))),
      text_at(d, "pool"),
      {std::to_string(count_at(d, "from")) + " → " + std::to_string(count_at(d, "to")), look}};
  if (signals) row.push_back(signals_of(d));
  row.push_back(text_at(d, "reason"));
  t.add(std::move(row));
}

std::string followed_line(const json& d) {
  auto signals = signals_of(d);
  return clock_time(number_at(d, "at"), static_cast<double>(std::time(nullptr))) + "  " +
         text_at(d, "pool") + "  " + std::to_string(count_at(d, "from")) + " → " +
         std::to_string(count_at(d, "to")) + "  " + one_line(text_at(d, "reason")) +
         (signals.empty() ? "" : "  [" + one_line(signals) + "]");
}

void follow(context& c, const log_flags& f, std::uint64_t last) {
  interrupts signals;
  while (interrupts::count() == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
    // Asked without the pool: its last number must not hide those of others.
    for (const auto& d : decisions(c, {{"after", last}, {"limit", 1000}}, "")) {
      last = std::max(last, count_at(d, "number"));
      if (!f.pool.empty() && text_at(d, "pool") != f.pool) continue;
      if (c.out.is_json()) c.out.print_compact(d);
      else
        c.out.line(followed_line(d));
    }
  }
}

exit_code log(context& c, const log_flags& f) {
  json parameters{{"limit", f.limit}};
  if (!f.pool.empty()) parameters["pool"] = f.pool;
  auto rows = decisions(c, parameters, f.pool);
  std::uint64_t last = 0;
  for (const auto& d : rows) last = std::max(last, count_at(d, "number"));
  if (c.out.is_json() && !f.follow) {
    c.out.print_json(rows);
  } else if (c.out.is_json()) {
    for (const auto& d : rows) c.out.print_compact(d);
  } else if (c.out.is_quiet()) {
    for (const auto& d : rows) c.out.line(std::to_string(count_at(d, "number")));
  } else {
    const bool signals = std::any_of(rows.begin(), rows.end(),
                                     [](const auto& d) { return !signals_of(d).empty(); });
    std::vector<column> columns{{"NO", align::right}, {"AT"}, {"POOL"}, {"WORKERS"}};
    if (signals) columns.push_back({"SIGNALS"});
    columns.push_back({"WHY", align::left, true});
    table t(std::move(columns));
    for (const auto& d : rows) add_row(t, d, signals);
    c.out.print(t);
  }
  if (f.follow) follow(c, f, last);
  return exit_code::done;
}

exit_code explain(context& c, const std::string& pool) {
  auto answer = c.ask("autoscaler.explain", {{"pool", pool}});
  if (c.out.is_json()) {
    c.out.print_json(answer);
    return exit_code::done;
  }
  const auto why = answer.value("why", json::array());
  if (c.out.is_quiet()) {
    if (!why.empty()) c.out.line(why[0].get<std::string>());
    return exit_code::done;
  }
  for (const auto& line : why) c.out.line(one_line(line.get<std::string>()));
  c.out.line("");
  c.out.line(c.out.paint("What would change it", style::bold));
  for (const auto& line : answer.value("changes", json::array()))
    c.out.line("  " + one_line(line.get<std::string>()));
  return exit_code::done;
}

exit_code set_paused(context& c, const char* method, const json& parameters) {
  auto answer = c.ask(method, parameters);
  if (c.out.is_json()) {
    c.out.print_json(answer);
  } else {
    auto paused = answer.value("paused", json());
    auto words = paused.is_string() ? paused.get<std::string>() : compact(paused);
    bool none = paused.is_null() || paused == json("none") || paused == json(false);
    c.out.note(none ? "The autoscaler is at work" : "The autoscaler is paused: " + words);
  }
  return exit_code::done;
}

}  // namespace

void add_autoscaler(command_line& line) {
  auto* group = line.add("autoscaler", group_change, "See why pools grow and shrink, or pause it",
                         "  troupe autoscaler log\n  troupe autoscaler explain here\n"
                         "  troupe autoscaler pause down");
  group->require_subcommand(1);

  auto* log_command = command_line::add(*group, "log", "List decisions, the latest last",
                                        "  troupe autoscaler log --pool here\n"
                                        "  troupe autoscaler log -f");
  auto f = std::make_shared<log_flags>();
  log_command->add_option("--limit", f->limit, "At most so many (default 20)")
      ->check(in_range(1, 1000))->type_name("N");
  log_command->add_option("--pool", f->pool, "Only of this pool")->type_name("POOL");
  log_command->add_flag("-f,--follow", f->follow, "Go on with new ones");
  line.run(log_command, [&line, f] { return log(line.c, *f); });

  auto* explain_command =
      command_line::add(*group, "explain", "Say why a pool has the size it has, and what would change it",
                        "  troupe autoscaler explain here\n"
                        "  troupe autoscaler explain here -o json   # with every number behind it");
  auto pool = std::make_shared<std::string>();
  explain_command->add_option("pool", *pool, "A pool")->required()->type_name("");
  line.run(explain_command, [&line, pool] { return explain(line.c, *pool); });

  auto* pause = command_line::add(*group, "pause", "Decide nothing more in one direction, or both",
                                  "  troupe autoscaler pause        # pools stay as they are\n"
                                  "  troupe autoscaler pause down   # they may still grow");
  auto direction = std::make_shared<std::string>("both");
  pause->add_option("direction", *direction, "up, down or both (default)")
      ->check(one_of({"up", "down", "both"}))->type_name("");
  line.run(pause, [&line, direction] {
    return set_paused(line.c, "autoscaler.pause", {{"direction", *direction}});
  });

  auto* resume = command_line::add(*group, "resume", "Decide again; ends a size set by hand (troupe scale POOL N) too", "  troupe autoscaler resume");
  line.run(resume, [&line] { return set_paused(line.c, "autoscaler.resume", json::object()); });
}

}  // namespace troupe::cli
