// troupe wait: until jobs or tasks are over.
#include <optional>

#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "cli/waiting.hpp"
#include "libruntime/units.hpp"

namespace troupe::cli {
namespace {

struct wait_flags {
  std::vector<std::string> ids;
  std::string timeout;
};

using deadline = std::optional<std::chrono::steady_clock::time_point>;

void check_deadline(const deadline& d, const std::string& what) {
  if (d && std::chrono::steady_clock::now() > *d)
    request_failed(what + " is not over yet: the time of --timeout has passed");
}

exit_code wait_for_task(context& c, const target_id& target, const deadline& d) {
  auto job = c.ask("job", {{"id", std::to_string(target.job.value)}});
  auto first = static_cast<task_index>(count_at(job, "first_index"));
  auto handle = c.cluster().watch(target.job, false);
  if (target.index < first || target.index - first >= handle->size())
    request_failed("job " + handle->id() + " has no task " + std::to_string(target.index));
  auto position = target.index - first;
  job_waiter waiter(c, *handle, job_waiter::on_interrupt::leave);
  waiter.until([&](duration t) { return handle->wait_task(position, t); },
               [&] { check_deadline(d, "task " + target.text); });
  c.out.clear_progress();
  auto outcome = handle->outcome(position);
  if (c.out.is_json()) {
    json shown{{"id", target.text}, {"state", outcome ? "finished" : "failed"}, {"error", nullptr}};
    if (!outcome)
      shown["error"] = {{"code", to_string(outcome.error().code)},
                        {"message", outcome.error().message}};
    c.out.print_json(shown);
  } else if (c.out.is_quiet()) {
    c.out.line(target.text);
  } else {
    c.out.line("Task " + target.text + (outcome ? " finished" : ": " + words_of(outcome.error())));
  }
  return outcome ? exit_code::done : exit_code::failed;
}

exit_code wait_for_job(context& c, const target_id& target, const deadline& d) {
  auto handle = c.cluster().watch(target.job, false);
  job_waiter waiter(c, *handle, job_waiter::on_interrupt::leave);
  waiter.whole_job([&] { check_deadline(d, "job " + target.text); });
  return report_end(c, target.text);
}

exit_code wait(context& c, const wait_flags& f) {
  deadline until;
  if (!f.timeout.empty()) {
    auto t = parse_duration(f.timeout);
    if (!t) refuse_usage("--timeout: " + in_quotes(f.timeout) + " is not a duration, such as 30s");
    until = std::chrono::steady_clock::now() + *t;
  }
  auto worst = exit_code::done;
  std::vector<target_id> targets;
  for (const auto& id : f.ids) targets.push_back(parse_target(id));
  for (const auto& t : targets) {
    auto code = t.is_task ? wait_for_task(c, t, until) : wait_for_job(c, t, until);
    if (code != exit_code::done) worst = code;
  }
  return worst;
}

}  // namespace

void add_wait(command_line& line) {
  auto* command = line.add("wait", group_look, "Wait until jobs or tasks are over",
                           "  troupe wait 12\n"
                           "  troupe wait 12.3 13 --timeout 10m\n\n"
                           "Exit code 0 if everything succeeded, else 1. Ctrl-C stops the waiting,\n"
                           "not the job.");
  auto f = std::make_shared<wait_flags>();
  command->add_option("id", f->ids, "Jobs (12) and tasks (12.3)")->required()->type_name("");
  command->add_option("--timeout", f->timeout, "Wait at most so long")->type_name("TIME");
  line.run(command, [&line, f] { return wait(line.c, *f); });
}

}  // namespace troupe::cli
