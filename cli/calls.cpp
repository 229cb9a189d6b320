// troupe call and troupe map: registered functions with arguments from the command line or a file.
#include "cli/calls.hpp"

#include <algorithm>

#include "cli/inputs.hpp"
#include "cli/ranges.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

struct call_flags {
  task_flags task;
  std::string function, isolation;
  bool wait = false, no_wait = false;
};

struct map_flags : call_flags {
  std::string args, from_json, array, cluster;
};

void add_call_flags(CLI::App& command, call_flags& f) {
  command.add_option("function", f.function, "Name of a function that the workers know")
      ->required()->type_name("");
  f.task.add_to(command);
  command.add_option("--isolation", f.isolation,
                     "thread (default), or process: a crash costs one task only")
      ->check(one_of({"thread", "process"}))->type_name("KIND");
  auto* wait = command.add_flag("--wait", f.wait, "Wait and print results: the default");
  command.add_flag("--no-wait", f.no_wait, "Only submit; see troupe result")->excludes(wait);
}

job_draft base_draft(const call_flags& f) {
  job_draft draft;
  task_spec spec;
  spec.function = f.function;
  spec.options = f.task.options();
  if (f.isolation == "process") spec.options.isolated = isolation::process;
  draft.templates.push_back(std::move(spec));
  draft.name = f.task.name.empty() ? f.function : f.task.name;
  draft.want_results = !f.no_wait;
  // Results that nobody will print are not worth having.
  draft.lifetime = f.no_wait ? protocol::lifetime::detached : protocol::lifetime::client;
  return draft;
}

std::vector<value> map_arguments(const map_flags& f) {
  if (!f.args.empty()) {
    auto text = usage_or_throw(read_input(f.args), "--args");
    return usage_or_throw(arguments_of_json_lines(text, f.args), "--args");
  }
  if (!f.from_json.empty()) {
    auto text = usage_or_throw(read_input(f.from_json), "--from-json");
    return usage_or_throw(arguments_of_json(text, f.from_json), "--from-json");
  }
  if (f.array.empty())
    refuse_usage("nothing to map over; give --args FILE.jsonl, --from-json FILE or --array 1-80");
  auto range = usage_or_throw(parse_array(f.array), "--array");
  std::vector<value> out;
  out.reserve(range.count());
  for (std::uint64_t i = range.first; i <= range.last; ++i)
    out.push_back(value::of(std::vector<std::uint64_t>{i}));
  return out;
}

void report_submitted(context& c, const std::string& id, std::size_t n) {
  if (c.out.is_json()) c.out.print_json(json{{"job", id}, {"tasks", n}});
  else if (c.out.is_quiet()) c.out.line(id);
  else c.out.line("Submitted job " + id + " with " + plural(n, "task"));
}

exit_code submit_calls(context& c, const call_flags& f, job_draft draft) {
  auto n = draft.tasks.size();
  auto job = c.cluster().submit(std::move(draft));
  if (f.no_wait) {
    try {
      report_submitted(c, job->id(), n);
    } catch (const troupe::error& e) {
      throw_failure(e.why());
    }
    return exit_code::done;
  }
  job_waiter waiter(c, *job, job_waiter::on_interrupt::cancel_job);
  return print_results(c, *job, waiter, 0);
}

exit_code call(context& c, const call_flags& f, std::vector<std::string> texts) {
  texts.insert(texts.end(), c.trailing.begin(), c.trailing.end());
  json list = json::array();
  for (const auto& text : texts) {
    auto j = parse_json(text);
    if (!j)
      refuse_usage("argument " + std::to_string(list.size() + 1) + ", " + in_quotes(text) + ": " +
                   j.error().message + "\n  text is written with its quotes: '\"text\"'");
    list.push_back(std::move(*j));
  }
  auto draft = base_draft(f);
  draft.tasks.push_back({0, usage_or_throw(to_value(list), "the arguments"), {}, {}, {}});
  return submit_calls(c, f, std::move(draft));
}

exit_code map(context& c, const map_flags& f) {
  auto draft = base_draft(f);
  auto arguments = map_arguments(f);
  if (arguments.empty()) return exit_code::done;  // the results of nothing
  for (auto& a : arguments) draft.tasks.push_back({0, std::move(a), {}, {}, {}});
  if (!f.cluster.empty()) {
    if (f.no_wait) refuse_usage("--no-wait: a cluster of --cluster ends with the command");
    c.use_temporary_cluster(f.cluster);
  }
  return submit_calls(c, f, std::move(draft));
}

}  // namespace

json error_json(const std::string& task, const failure& f) {
  return {{"task", task}, {"code", to_string(f.code)}, {"message", f.message}, {"type", f.type}};
}

exit_code print_results(context& c, job_handle& job, job_waiter& waiter, task_index first_index) {
  constexpr std::size_t failures_named = 3;
  std::size_t failures = 0;
  for (std::size_t i = 0; i < job.size(); ++i) {
    waiter.until([&](duration d) { return job.wait_task(i, d); });
    auto outcome = job.outcome(i);
    if (outcome) {
      if (!c.out.is_quiet()) c.out.print_compact(to_json(*outcome));
      continue;
    }
    // A refused job has no id; then its reason is all there is to say.
    std::string id;
    try {
      id = job.id() + "." + std::to_string(first_index + i);
    } catch (const troupe::error& e) {
      throw_failure(e.why());
    }
    if (!c.out.is_quiet() && (c.out.is_json() || job.size() > 1))
      c.out.print_compact({{"$error", error_json(id, outcome.error())}});
    if (++failures <= failures_named) c.out.error("task " + id + ": " + words_of(outcome.error()));
  }
  c.out.clear_progress();
  if (failures > failures_named)
    c.out.error("… and " + plural(failures - failures_named, "more task"));
  if (waiter.interrupted()) return exit_code::interrupted;
  return failures == 0 ? exit_code::done : exit_code::failed;
}

void add_call(command_line& line) {
  auto* command = line.add(
      "call", group_work, "Call a function with JSON arguments and print its result",
      "  troupe call wordcount.count '\"/etc/services\"'\n"
      "  troupe call math.add 1 2\n"
      "  troupe call math.negate -- -5                 # after -- no argument is an option\n"
      "  troupe call model.train '{\"steps\": 10}' --resources GPU=1 --timeout 1h\n\n"
      "Results are JSON; bytes are {\"$bin\": BASE64} in results and arguments. Ctrl-C cancels.");
  auto f = std::make_shared<call_flags>();
  auto texts = std::make_shared<std::vector<std::string>>();
  add_call_flags(*command, *f);
  command->add_option("arguments", *texts, "Arguments, each a JSON value")->type_name("");
  line.run(command, [&line, f, texts] { return call(line.c, *f, *texts); });
}

void add_map(command_line& line) {
  auto* command = line.add(
      "map", group_work, "Call a function once for each line of a file; results in order",
      "  troupe map wordcount.count --args files.jsonl > counts.jsonl\n"
      "  ls *.txt | jq -R . | troupe map wordcount.count --args -\n"
      "  troupe map math.square --array 1-400\n"
      "  troupe map math.square --array 1-400 --cluster cluster.yaml   # a cluster just for it\n\n"
      "A line [a, b] is two arguments, anything else is one. Results are JSON lines in the order\n"
      "of the arguments; a failed task is a line {\"$error\": …} and the exit code 1.");
  auto f = std::make_shared<map_flags>();
  add_call_flags(*command, *f);
  auto* args = command->add_option("--args", f->args, "Argument lists, a JSON line each (- is stdin)")
                   ->type_name("FILE");
  auto* elements = command->add_option("--from-json", f->from_json,
                                       "Argument lists, an element of a JSON array each")
                       ->type_name("FILE");
  auto* array = command->add_option("--array", f->array, "Call with each number, such as 1-80")
                    ->type_name("FIRST-LAST");
  // The name that submit has for it.
  auto* lines = command->add_option("--each-line", f->args, "The same as --args")
                    ->type_name("FILE");
  args->excludes(elements, array, lines);
  elements->excludes(array, lines);
  array->excludes(lines);
  command->add_option("--cluster", f->cluster, "Start a cluster from this file, and end it again")
      ->type_name("FILE");
  line.run(command, [&line, f] { return map(line.c, *f); });
}

}  // namespace troupe::cli
