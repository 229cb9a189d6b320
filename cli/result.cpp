// troupe result: values of tasks that are over, or will be.
#include "cli/calls.hpp"

namespace troupe::cli {
namespace {

exit_code result_of(context& c, const std::string& text) {
  auto target = parse_target(text);
  auto job = c.ask("job", {{"id", std::to_string(target.job.value)}});
  auto first = static_cast<task_index>(count_at(job, "first_index"));
  auto handle = c.cluster().watch(target.job, true);
  job_waiter waiter(c, *handle, job_waiter::on_interrupt::leave);
  if (!target.is_task) return print_results(c, *handle, waiter, first);
  if (target.index < first || target.index - first >= handle->size())
    request_failed("job " + handle->id() + " has no task " + std::to_string(target.index));
  auto position = target.index - first;
  waiter.until([&](duration d) { return handle->wait_task(position, d); });
  auto outcome = handle->outcome(position);
  if (outcome) {
    c.out.print_compact(to_json(*outcome));
    return exit_code::done;
  }
  if (c.out.is_json()) c.out.print_compact({{"$error", error_json(text, outcome.error())}});
  c.out.error("task " + text + ": " + words_of(outcome.error()));
  return exit_code::failed;
}

}  // namespace

void add_result(command_line& line) {
  auto* command = line.add("result", group_look, "Print the result of a task, or of all of a job",
                           "  troupe result 12.3\n"
                           "  troupe result 12 > results.jsonl   # in the order of the tasks\n\n"
                           "Waits for tasks that are not over. Results are kept for a while after\n"
                           "the job has ended (scheduler.retention).");
  auto id = std::make_shared<std::string>();
  command->add_option("id", *id, "A job (12) or a task (12.3)")->required()->type_name("");
  line.run(command, [&line, id] { return result_of(line.c, *id); });
}

}  // namespace troupe::cli
