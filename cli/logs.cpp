// troupe logs: what tasks printed, from wherever they ran.
#include <thread>

#include "cli/commands.hpp"
#include "cli/interrupts.hpp"
#include "cli/log_follower.hpp"
#include "cli/waiting.hpp"

namespace troupe::cli {
namespace {

struct logs_flags {
  std::string id;
  std::string stream = "both";
  std::uint32_t attempt = 0;
  bool follow = false;
};

log_streams streams_of(const logs_flags& f) {
  return f.stream == "out" ? log_streams::out : f.stream == "err" ? log_streams::err
                                                                  : log_streams::both;
}

void copy_task(context& c, const logs_flags& f) {
  auto attempt = f.attempt == 0 ? std::nullopt
                                : std::optional(static_cast<attempt_number>(f.attempt));
  std::vector<log_cursor> cursors;
  if (streams_of(f) != log_streams::err) cursors.emplace_back(f.id, false, attempt);
  if (streams_of(f) != log_streams::out) cursors.emplace_back(f.id, true, attempt);
  interrupts signals;
  for (;;) {
    bool done = true;
    for (auto& cursor : cursors) done = cursor.copy(c, false) && done;
    if (done || !f.follow) return;
    if (interrupts::count() > 0)
      throw command_error(exit_code::interrupted, "task " + f.id + " goes on");
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  }
}

exit_code logs(context& c, const logs_flags& f) {
  auto target = parse_target(f.id);
  if (target.is_task) {
    copy_task(c, f);
    return exit_code::done;
  }
  if (f.attempt != 0) refuse_usage("--attempt is for one task; name it, such as " + f.id + ".0");
  log_follower follower(c, f.id, streams_of(f));
  if (f.follow) {
    auto job = c.cluster().watch(target.job, false);
    job_waiter waiter(c, *job, job_waiter::on_interrupt::leave);
    waiter.until([&](duration d) { return job->wait_for(d); }, [&] { follower.poll(); });
  }
  follower.finish();
  return exit_code::done;
}

}  // namespace

void add_logs(command_line& line) {
  auto* command = line.add("logs", group_look, "Show what a task, or every task of a job, printed",
                           "  troupe logs 12.3             # one task: its stdout and stderr\n"
                           "  troupe logs -f 12            # a whole job, as it runs\n"
                           "  troupe logs --stream err 12  # only stderr\n\n"
                           "What tasks wrote to stdout goes to stdout, the rest to stderr. Lines of\n"
                           "jobs of several tasks begin with their task.");
  auto f = std::make_shared<logs_flags>();
  command->add_option("id", f->id, "A job (12) or a task (12.3)")->required()->type_name("");
  command->add_flag("-f,--follow", f->follow, "Go on until it is over");
  command->add_option("--stream", f->stream, "out, err or both (default)")
      ->check(one_of({"out", "err", "both"}))->type_name("NAME");
  command->add_option("--attempt", f->attempt, "Of an earlier attempt: 1 for the first")
      ->check(in_range(1, 65535))->type_name("N");
  line.run(command, [&line, f] { return logs(line.c, *f); });
}

}  // namespace troupe::cli
