// troupe submit: a command as a task, or as many tasks.
#include <cstdlib>
#include <filesystem>

#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/log_follower.hpp"
#include "cli/ranges.hpp"
#include "cli/submit.hpp"
#include "cli/text.hpp"
#include "cli/waiting.hpp"

namespace troupe::cli {
namespace {

// It travels with the task's description; larger input goes through a file.
constexpr std::size_t max_stdin_bytes = 512 << 10;

std::pair<std::string, std::string> parse_variable(const std::string& text) {
  auto equals = text.find('=');
  auto name = text.substr(0, equals);
  if (name.empty()) refuse_usage("--env: " + in_quotes(text) + " is not NAME=VALUE");
  if (equals != std::string::npos) return {name, text.substr(equals + 1)};
  const char* mine = std::getenv(name.c_str());
  if (!mine)
    refuse_usage("--env: the variable " + in_quotes(name) + " is not set here; give NAME=VALUE");
  return {name, mine};
}

std::string read_stdin_of(const std::string& file) {
  auto text = usage_or_throw(read_input(file), "--stdin");
  if (text.size() > max_stdin_bytes)
    refuse_usage("--stdin: " + file + " has " + human_bytes(text.size()) + ", more than " +
                 human_bytes(max_stdin_bytes) + "; let the command read the file itself");
  return text;
}

void add_tasks_of(job_draft& draft, std::vector<value> entries, const std::string& flag) {
  if (entries.empty()) refuse_usage(flag + ": there is nothing in it, so there is nothing to run");
  for (auto& e : entries) draft.tasks.push_back({0, std::move(e), {}, {}, {}});
}

exit_code submit(context& c, const submit_flags& f) {
  auto draft = draft_of(f, c.trailing);
  auto n = draft.tasks.empty() ? draft.count : draft.tasks.size();
  auto& cluster = c.cluster();
  std::string id;
  try {
    id = cluster.submit(std::move(draft))->id();
  } catch (const troupe::error& e) {
    throw_failure(e.why());
  }
  bool attached = f.wait || f.follow;
  if (!attached && c.out.is_json()) c.out.print_json(json{{"job", id}, {"tasks", n}});
  if (!attached && c.out.is_quiet()) c.out.line(id);
  if (c.out.is_table()) {
    auto words = "Submitted job " + id + " with " + plural(n, "task");
    if (attached) c.out.note(words);
    else c.out.line(words);
  }
  if (!attached) return exit_code::done;
  return await_job(c, id, f.follow);
}

}  // namespace

job_draft draft_of(const submit_flags& f, const std::vector<std::string>& argv) {
  if (argv.empty())
    refuse_usage("there is no command; put it after --, as in: troupe submit -- sleep 10");
  if (argv.front().empty()) refuse_usage("the command's name is empty");
  job_draft draft;
  task_spec spec;
  spec.kind = task_kind::exec;
  spec.options = f.task.options();
  spec.command.argv = argv;
  for (const auto& text : f.env) spec.command.env.push_back(parse_variable(text));
  if (!f.cwd.empty()) spec.command.cwd = std::filesystem::absolute(f.cwd).lexically_normal();
  if (!f.stdin_file.empty()) spec.command.stdin_data = read_stdin_of(f.stdin_file);
  draft.name = f.task.name.empty() ? std::filesystem::path(argv.front()).filename().string()
                                   : f.task.name;
  draft.want_results = false;
  draft.templates.push_back(std::move(spec));
  if (!f.each_line.empty()) {
    auto text = usage_or_throw(read_input(f.each_line), "--each-line");
    add_tasks_of(draft, usage_or_throw(entries_of_lines(text), "--each-line"), "--each-line");
  } else if (!f.from_json.empty()) {
    auto text = usage_or_throw(read_input(f.from_json), "--from-json");
    add_tasks_of(draft, usage_or_throw(entries_of_json(text, f.from_json), "--from-json"),
                 "--from-json");
  } else {
    auto range = f.array.empty() ? array_range{} : usage_or_throw(parse_array(f.array), "--array");
    draft.first_index = range.first;
    draft.count = range.count();
  }
  return draft;
}

exit_code await_job(context& c, const std::string& id, bool follow) {
  auto job = c.cluster().watch(*parse_job_id(id), false);
  job_waiter waiter(c, *job, job_waiter::on_interrupt::cancel_job);
  if (follow) {
    log_follower logs(c, id, log_streams::both);
    waiter.whole_job([&] { logs.poll(); });
    logs.finish();
  } else {
    waiter.whole_job();
  }
  return report_end(c, id);
}

void add_submit(command_line& line) {
  auto* command = line.add(
      "submit", group_work, "Run a command as a task, or once for each element of an array",
      "  troupe submit -- convert in.png out.jpg\n"
      "  troupe submit --wait --timeout 1m -- make test       # exit code 1 if it fails\n"
      "  troupe submit --follow -- ./simulate --steps 100     # shows its output\n"
      "  troupe submit --array 1-80 -- sh -c 'run $TROUPE_TASK_INDEX'\n"
      "  ls *.jpg | troupe submit --each-line - -- convert {} -resize 64x small/{}\n"
      "  troupe submit --resources GPU=1 --retries 2 --name train -- python train.py\n\n"
      "The command and its arguments stand after --. \"{}\" in them, in --cwd and in --env\n"
      "stands for the task's line or element. A command sees TROUPE_JOB_ID, TROUPE_TASK_ID,\n"
      "TROUPE_TASK_INDEX, TROUPE_ATTEMPT and TROUPE_ADDRESS. The job goes on when this\n"
      "terminal is closed; Ctrl-C during --wait or --follow cancels it.");
  auto f = std::make_shared<submit_flags>();
  f->task.add_to(*command);
  auto* array = command->add_option("--array", f->array, "One task for each index, such as 1-80")
                    ->type_name("FIRST-LAST");
  auto* lines = command->add_option("--each-line", f->each_line,
                                    "One task for each line of a file (- is stdin)")
                    ->type_name("FILE");
  auto* elements = command->add_option("--from-json", f->from_json,
                                       "One task for each element of a JSON array in a file")
                       ->type_name("FILE");
  array->excludes(lines, elements);
  lines->excludes(elements);
  command->add_option("--env", f->env, "A variable for the command; without =VALUE, as it is here")
      ->type_name("NAME[=VALUE]")->allow_extra_args(false);
  command->add_option("--cwd", f->cwd, "Folder to run in (default: a scratch folder of the worker)")
      ->type_name("FOLDER");
  command->add_option("--stdin", f->stdin_file, "What the command reads from its stdin (- is ours)")
      ->type_name("FILE");
  command->add_flag("--wait", f->wait, "Wait for the end; exit code 1 unless all tasks succeed");
  command->add_flag("--follow", f->follow, "Wait, and show what the tasks print");
  line.run(command, [&line, f] { return submit(line.c, *f); });
}

}  // namespace troupe::cli
