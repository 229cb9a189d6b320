// troupe jobs, tasks, workers and pools: tables for people, arrays for scripts.
#include <algorithm>
#include <ctime>

#include "cli/commands.hpp"
#include "cli/lists.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

constexpr std::size_t page_size = 1000;

double now() { return static_cast<double>(std::time(nullptr)); }

// For people a table, for scripts the rows as they came, quietly only their names.
exit_code show(context& c, const json& rows, const table& t, const char* name) {
  if (c.out.is_json()) c.out.print_json(rows);
  else if (c.out.is_quiet()) for (const auto& row : rows) c.out.line(text_at(row, name));
  else c.out.print(t);
  return exit_code::done;
}

// "400" or "123/400": ended of all.
std::string progress_of(const json& tasks) {
  std::uint64_t all = 0, ended = 0;
  for (const auto& [state, n] : tasks.items()) {
    auto count = n.is_number_unsigned() ? n.get<std::uint64_t>() : 0;
    all += count;
    if (state == "finished" || state == "failed" || state == "cancelled") ended += count;
  }
  return ended == all ? human_count(all) : human_count(ended) + "/" + human_count(all);
}

// What became of a job that was refused stands nowhere else.
std::string name_of(const json& job) {
  auto name = text_at(job, "name");
  auto error = job.value("error", json());
  if (text_at(job, "state") != "refused" || !error.is_object()) return name;
  return name + ": " + text_at(error, "message");
}

exit_code jobs(context& c, std::uint32_t limit) {
  auto rows = c.ask("jobs", {{"limit", limit}}).value("jobs", json::array());
  table t({{"ID"}, {"STATE"}, {"TASKS", align::right}, {"FAILED", align::right}, {"OWNER"},
           {"SUBMITTED"}, {"TOOK", align::right}, {"NAME", align::left, true}});
  for (const auto& j : rows) {
    auto tasks = j.value("tasks", json::object());
    auto submitted = number_at(j, "submitted_at"), ended = number_at(j, "ended_at");
    auto failed = count_at(tasks, "failed");
    t.add({text_at(j, "id"), {text_at(j, "state"), style_of(text_at(j, "state"))},
           progress_of(tasks), failed > 0 ? human_count(failed) : "", text_at(j, "owner"),
           clock_time(submitted, now()),
           human_seconds(std::max(0.0, (ended > 0 ? ended : now()) - submitted)), name_of(j)});
  }
  return show(c, rows, t, "id");
}

struct tasks_flags {
  std::string job, state;
  std::uint64_t limit = 0;
};

// Pages until enough; where a script asks, everything.
json fetch_tasks(context& c, const tasks_flags& f, std::uint64_t limit, bool& more) {
  json rows = json::array();
  more = false;
  while (rows.size() < limit) {
    auto wanted = std::min<std::uint64_t>(page_size, limit - rows.size() + 1);
    json p{{"offset", rows.size()}, {"limit", wanted}};
    if (!f.job.empty()) p["job"] = f.job;
    if (!f.state.empty()) p["state"] = f.state;
    auto part = c.ask("tasks", p).value("tasks", json::array());
    for (auto& row : part) {
      more = rows.size() == limit;
      if (more) break;
      rows.push_back(std::move(row));
    }
    if (part.size() < wanted) break;
  }
  return rows;
}

exit_code tasks(context& c, const tasks_flags& f) {
  if (!f.job.empty() && parse_target(f.job).is_task)
    refuse_usage(f.job + " is a task; give its job, or see: troupe explain " + f.job);
  auto limit = f.limit > 0 ? f.limit : c.out.is_table() ? page_size : UINT64_MAX - 1;
  bool more = false;
  auto rows = fetch_tasks(c, f, limit, more);
  table t({{"ID"}, {"STATE"}, {"TRY", align::right}, {"WORKER"}, {"TIME", align::right},
           {"WHAT"}, {"WHY", align::left, true}});
  for (const auto& row : rows) {
    auto error = row.value("error", json());
    auto why = error.is_object() ? text_at(error, "message") : text_at(row, "why");
    auto label = text_at(row, "label"), run_time = std::string{};
    if (auto s = number_at(row, "run_time"); s > 0) run_time = human_seconds(s);
    t.add({text_at(row, "id"), {text_at(row, "state"), style_of(text_at(row, "state"))},
           std::to_string(count_at(row, "attempt")), text_at(row, "worker"), run_time,
           shorten(label.empty() ? text_at(row, "function") : label, 24), why});
  }
  show(c, rows, t, "id");
  if (more && c.out.is_table())
    c.out.note("… and more; all of them with --limit N, or -o json");
  return exit_code::done;
}

exit_code workers(context& c) {
  auto rows = c.ask("workers").value("workers", json::array());
  table t({{"ID"}, {"NAME"}, {"POOL"}, {"HOST", align::left, true}, {"PID", align::right},
           {"STATE"}, {"RUNNING", align::right}, {"QUEUED", align::right},
           {"MEMORY", align::right}, {"IDLE", align::right}});
  for (const auto& w : rows) {
    auto running = count_at(w, "running"), window = count_at(w, "window");
    auto idle = number_at(w, "idle_for");
    t.add({text_at(w, "id"), text_at(w, "name"), text_at(w, "pool"), text_at(w, "host"),
           std::to_string(count_at(w, "pid")),
           {text_at(w, "state"), style_of(text_at(w, "state"))},
           std::to_string(running) + "/" + std::to_string(count_at(w, "slots")),
           std::to_string(window > running ? window - running : 0),
           human_bytes(count_at(w, "memory")), window == 0 ? human_seconds(idle) : ""});
  }
  return show(c, rows, t, "name");
}

exit_code pools(context& c) {
  auto rows = c.ask("pools").value("pools", json::array());
  return show(c, rows, pools_table(rows), "name");
}

}  // namespace

style style_of(const std::string& state) {
  if (state == "finished") return style::green;
  if (state == "failed" || state == "lost" || state == "refused") return style::red;
  if (state == "running") return style::cyan;
  if (state == "cancelled" || state == "draining" || state == "disconnected") return style::yellow;
  return style::plain;
}

table pools_table(const json& rows) {
  table t({{"POOL"}, {"PROVIDER"}, {"MIN", align::right}, {"MAX", align::right},
           {"TARGET", align::right}, {"WORKERS", align::right}, {"STARTING", align::right},
           {"DRAINING", align::right}, {"", align::left, true}});
  for (const auto& p : rows) {
    auto max = p.contains("max") && p["max"].is_number() ? std::to_string(count_at(p, "max")) : "-";
    std::string words;
    if (auto paused = text_at(p, "paused"); !paused.empty() && paused != "none")
      words = paused == "both" ? "paused" : "paused " + paused;
    if (auto b = p.value("backoff", json()); b.is_object())
      words += (words.empty() ? "" : "; ") + ("backing off " +
               human_seconds(std::max(0.0, number_at(b, "until") - now())) + ": " +
               text_at(b, "reason"));
    t.add({text_at(p, "name"), text_at(p, "provider"), std::to_string(count_at(p, "min")), max,
           std::to_string(count_at(p, "target")), std::to_string(count_at(p, "registered")),
           std::to_string(count_at(p, "launching")), std::to_string(count_at(p, "draining")),
           {words, style::yellow}});
  }
  return t;
}

void add_jobs(command_line& line) {
  auto* command = line.add("jobs", group_look, "List jobs, the latest first",
                           "  troupe jobs\n"
                           "  troupe jobs -o json | jq '.[] | select(.state == \"failed\") | .id'");
  auto limit = std::make_shared<std::uint32_t>(100);
  command->add_option("--limit", *limit, "At most so many (default 100)")
      ->check(in_range(1, 1'000'000))->type_name("N");
  line.run(command, [&line, limit] { return jobs(line.c, *limit); });
}

void add_tasks(command_line& line) {
  auto* command = line.add("tasks", group_look, "List the tasks of a job, or of all jobs",
                           "  troupe tasks 12\n"
                           "  troupe tasks 12 --state failed\n"
                           "  troupe tasks --state running -o quiet");
  auto f = std::make_shared<tasks_flags>();
  command->add_option("job", f->job, "The job (default: all)")->type_name("");
  command->add_option("--state", f->state, "Only tasks in this state")
      ->check(one_of({"waiting", "ready", "assigned", "running", "finished", "failed",
                             "cancelled"}))
      ->type_name("STATE");
  command->add_option("--limit", f->limit, "At most so many (default: 1000 in tables, else all)")
      ->type_name("N");
  line.run(command, [&line, f] { return tasks(line.c, *f); });
}

void add_workers(command_line& line) {
  auto* command = line.add("workers", group_look, "List the workers and what they do",
                           "  troupe workers\n  troupe workers -o json | jq 'length'");
  line.run(command, [&line] { return workers(line.c); });
}

void add_pools(command_line& line) {
  auto* command = line.add("pools", group_look, "List the pools: limits, target, workers",
                           "  troupe pools");
  line.run(command, [&line] { return pools(line.c); });
}

}  // namespace troupe::cli
