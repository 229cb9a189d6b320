// troupe run: a graph file as one job.
#include <algorithm>
#include <optional>

#include "cli/commands.hpp"
#include "cli/graph_file.hpp"
#include "cli/inputs.hpp"
#include "cli/submit.hpp"
#include "cli/text.hpp"
#include "cli/waiting.hpp"
#include "libruntime/base64.hpp"
#include "libruntime/option_tree.hpp"

namespace troupe::cli {
namespace {

struct run_flags {
  std::string file, cluster, name, print;
  bool wait = false, follow = false, check = false;
};

parsed_graph load(const run_flags& f) {
  auto text = usage_or_throw(read_input(f.file), "the graph");
  auto graph = parse_graph(text);
  if (!graph.problems.empty())
    refuse_usage("the graph can't be run\n" +
                 describe(graph.problems, f.file == "-" ? "stdin" : f.file));
  if (!f.name.empty()) graph.draft.name = f.name;
  return graph;
}

// Where the task whose result is to be printed stands.
std::optional<std::size_t> position_of(const job_draft& draft, const std::string& id) {
  if (id.empty()) return std::nullopt;
  std::vector<std::string> ids;
  for (const auto& t : draft.tasks) ids.push_back(t.label);
  auto i = std::find(ids.begin(), ids.end(), id);
  if (i == ids.end())
    refuse_usage("--print: no task has the id " + in_quotes(id) + did_you_mean(id, ids));
  return static_cast<std::size_t>(i - ids.begin());
}

void print_result(context& c, const std::string& job, std::size_t position) {
  auto task = job + "." + std::to_string(position);
  auto answer = c.ask("result", {{"id", task}});
  auto bytes = unbase64(text_at(answer.value("value", json::object()), "$bin"));
  if (!bytes) request_failed("result: the cluster's answer can't be understood");
  auto v = value::checked({reinterpret_cast<const std::byte*>(bytes->data()), bytes->size()});
  if (!v) throw_failure(v.error());
  c.out.print_compact(to_json(*v));
}

exit_code run(context& c, const run_flags& f) {
  auto graph = load(f);
  auto print = position_of(graph.draft, f.print);
  auto n = graph.draft.tasks.size();
  if (f.check) {
    c.out.note(f.file + " is a graph of " + plural(n, "task"));
    return exit_code::done;
  }
  if (!f.cluster.empty()) c.use_temporary_cluster(f.cluster);
  graph.draft.want_results = false;
  std::string id;
  try {
    id = c.cluster().submit(std::move(graph.draft))->id();
  } catch (const troupe::error& e) {
    throw_failure(e.why());
  }
  bool attached = f.wait || f.follow || print || !f.cluster.empty();
  auto words = "Submitted job " + id + " with " + plural(n, "task");
  if (attached) {
    if (c.out.is_table()) c.out.note(words);
    if (!print) return await_job(c, id, f.follow);
    // The result is all that goes to stdout.
    auto job = c.cluster().watch(*parse_job_id(id), false);
    job_waiter waiter(c, *job, job_waiter::on_interrupt::cancel_job);
    waiter.whole_job();
    auto s = summary_of(c.ask("job", {{"id", id}}));
    if (s.failed + s.cancelled > 0) return report_end(c, id);
    print_result(c, id, *print);
    return exit_code::done;
  }
  if (c.out.is_json()) c.out.print_json(json{{"job", id}, {"tasks", n}});
  else c.out.line(c.out.is_quiet() ? id : words + "; to wait for it: troupe wait " + id);
  return exit_code::done;
}

}  // namespace

void add_run(command_line& line) {
  auto* command = line.add(
      "run", group_work, "Run a graph of tasks from a YAML file",
      "  troupe run graph.yaml --wait\n"
      "  troupe run graph.yaml --check                  # only look for mistakes\n"
      "  troupe run graph.yaml --cluster cluster.yaml   # on a cluster just for it\n"
      "  troupe run graph.yaml --print total            # wait, and print one task's result\n\n"
      "A graph file:\n"
      "  name: thumbnails\n"
      "  defaults: {retries: 1}\n"
      "  tasks:\n"
      "    - {id: list,  exec: [sh, -c, \"ls *.jpg > list\"]}\n"
      "    - {id: small, exec: [convert, in.jpg, out.jpg], after: [list], timeout: 30s}\n"
      "    - {id: count, call: wordcount.count, args: [in.txt]}\n"
      "    - {id: sum,   call: wordcount.merge, args: [[{from: count}]]}\n"
      "All options of tasks: docs/graph-files.md.");
  auto f = std::make_shared<run_flags>();
  command->add_option("graph", f->file, "The graph file (- is stdin)")->required()->type_name("");
  command->add_option("--cluster", f->cluster, "Start a cluster from this file, wait, and end it")
      ->type_name("FILE");
  command->add_option("--name", f->name, "Name of the job (default: the file's)")->type_name("TEXT");
  command->add_option("--print", f->print, "Wait, and print the result of this task as JSON")
      ->type_name("ID");
  command->add_flag("--wait", f->wait, "Wait for the end; exit code 1 unless all tasks succeed");
  command->add_flag("--follow", f->follow, "Wait, and show what the tasks print");
  command->add_flag("--check", f->check, "Only check the file");
  line.run(command, [&line, f] { return run(line.c, *f); });
}

}  // namespace troupe::cli
