// troupe cancel, retry, scale and drain: one request each.
#include <optional>

#include "cli/commands.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

// The same request for each id; all are parsed before the first one is sent.
exit_code for_each_id(context& c, const char* method, const std::vector<std::string>& ids,
                      const json& more, const char* past_tense) {
  for (const auto& id : ids) parse_target(id);
  json answers = json::array();
  for (const auto& id : ids) {
    json parameters{{"id", id}};
    parameters.update(more);
    answers.push_back(c.ask(method, parameters));
    auto what = parse_target(id).is_task ? "Task " : "Job ";
    if (c.out.is_table()) c.out.line(what + id + ": " + past_tense);
    if (c.out.is_quiet()) c.out.line(id);
  }
  if (c.out.is_json()) c.out.print_json(answers);
  return exit_code::done;
}

struct scale_flags {
  std::string pool, max;
  std::optional<std::uint32_t> workers, min;
};

json scale_parameters(const scale_flags& f) {
  json p{{"pool", f.pool}};
  if (!f.workers && !f.min && f.max.empty())
    refuse_usage("how many workers? give a number, or --min and --max");
  if (f.workers && (f.min || !f.max.empty()))
    refuse_usage("a number of workers and --min or --max can't both hold; give one of them");
  if (f.workers) p["workers"] = *f.workers;
  if (f.min) p["min"] = *f.min;
  if (f.max == "unlimited") {
    p["max"] = nullptr;
  } else if (!f.max.empty()) {
    std::uint32_t n = 0;
    if (!CLI::detail::lexical_cast(f.max, n))
      refuse_usage("--max: " + in_quotes(f.max) + " is neither a number nor unlimited");
    if (f.min && *f.min > n)
      refuse_usage("--min " + std::to_string(*f.min) + " is more than --max " + f.max);
    p["max"] = n;
  }
  return p;
}

exit_code scale(context& c, const scale_flags& f) {
  auto pool = c.ask("scale", scale_parameters(f));
  if (c.out.is_json()) {
    c.out.print_json(pool);
  } else if (c.out.is_quiet()) {
    c.out.line(f.pool);
  } else {
    auto max = pool.contains("max") && pool["max"].is_null() ? std::string{"unlimited"}
                                                             : human_count(count_at(pool, "max"));
    c.out.line("Pool " + f.pool + ": target " + human_count(count_at(pool, "target")) + ", min " +
               human_count(count_at(pool, "min")) + ", max " + max);
  }
  return exit_code::done;
}

exit_code drain(context& c, const std::vector<std::string>& workers, bool undo) {
  json answers = json::array();
  for (const auto& w : workers) {
    auto answer = c.ask("drain", {{"worker", w}, {"on", !undo}});
    if (c.out.is_table())
      c.out.line("Worker " + text_at(answer, "worker") + " is " + text_at(answer, "state"));
    if (c.out.is_quiet()) c.out.line(text_at(answer, "worker"));
    answers.push_back(std::move(answer));
  }
  if (c.out.is_json()) c.out.print_json(answers);
  return exit_code::done;
}

}  // namespace

void add_cancel(command_line& line) {
  auto* command = line.add("cancel", group_change, "End jobs or tasks, running or not",
                           "  troupe cancel 12\n"
                           "  troupe cancel 12.3 13 --reason \"wrong input\"\n\n"
                           "Commands get SIGTERM, then SIGKILL, with everything they started.");
  auto ids = std::make_shared<std::vector<std::string>>();
  auto reason = std::make_shared<std::string>();
  command->add_option("id", *ids, "Jobs (12) and tasks (12.3)")->required()->type_name("");
  command->add_option("--reason", *reason, "Kept with the tasks")->type_name("TEXT");
  line.run(command, [&line, ids, reason] {
    json more = json::object();
    if (!reason->empty()) more["reason"] = *reason;
    return for_each_id(line.c, "cancel", *ids, more, "to be cancelled");
  });
}

void add_retry(command_line& line) {
  auto* command = line.add("retry", group_change, "Run failed or cancelled tasks again",
                           "  troupe retry 12.3\n"
                           "  troupe retry 12        # every task of it that did not succeed");
  auto ids = std::make_shared<std::vector<std::string>>();
  command->add_option("id", *ids, "Jobs (12) and tasks (12.3)")->required()->type_name("");
  line.run(command, [&line, ids] {
    return for_each_id(line.c, "retry", *ids, json::object(), "to be run again");
  });
}

void add_scale(command_line& line) {
  auto* command = line.add("scale", group_change, "Change how many workers a pool has",
                           "  troupe scale here 4              # exactly four, from now on\n"
                           "  troupe scale here --min 0 --max 8\n"
                           "  troupe scale here --max unlimited\n\n"
                           "Workers that go are drained first: no task is lost. The file the\n"
                           "cluster was started from stays as it is.");
  auto f = std::make_shared<scale_flags>();
  command->add_option("pool", f->pool, "The pool")->required()->type_name("");
  command->add_option("workers", f->workers, "How many workers")->type_name("");
  command->add_option("--min", f->min, "At least so many")->type_name("N");
  command->add_option("--max", f->max, "At most so many, or unlimited")->type_name("N");
  line.run(command, [&line, f] { return scale(line.c, *f); });
}

void add_drain(command_line& line) {
  auto* command = line.add("drain", group_change, "Let workers finish what they run, and take no more",
                           "  troupe drain here-3\n"
                           "  troupe drain here-3 --undo\n\n"
                           "A drained worker of a pool ends when it is empty.");
  auto workers = std::make_shared<std::vector<std::string>>();
  auto undo = std::make_shared<bool>(false);
  command->add_option("worker", *workers, "Names or ids, as in troupe workers")
      ->required()->type_name("");
  command->add_flag("--undo", *undo, "Take work again");
  line.run(command, [&line, workers, undo] { return drain(line.c, *workers, *undo); });
}

}  // namespace troupe::cli
