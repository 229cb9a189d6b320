// troupe down: asks a cluster to end, and waits until it has.
#include <thread>

#include "cli/commands.hpp"
#include "cli/interrupts.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds{100};

// Gone is: nobody holds its state folder; or, for a head elsewhere, nobody answers any more.
bool is_gone(context& c, const result<head_process>& head) {
  if (head && !head->state_dir.empty()) return !c.outside.head_alive(head->state_dir);
  return !c.cluster().request("version", value{}, std::chrono::seconds{5});
}

exit_code down(context& c, bool now) {
  auto chosen = choose_address(c.common);
  auto head = c.outside.find_head(chosen.address);
  try {
    c.cluster();
  } catch (const command_error& e) {
    bool stuck = head && !head->state_dir.empty() && c.outside.head_alive(head->state_dir);
    if (!stuck) throw;
    throw command_error(e.code(), std::string{e.what()} + "\n  its process " +
                                      std::to_string(head->pid) +
                                      " lives but does not answer; kill " +
                                      std::to_string(head->pid) + " ends it and its workers");
  }
  auto address = c.cluster().address();
  c.ask("shutdown", {{"drain", !now}});
  c.out.note(now ? "Stopping the cluster at " + address + " …"
                 : "Stopping the cluster at " + address +
                       " when its running tasks are over … (troupe down --now doesn't wait)");
  interrupts signals;
  while (!is_gone(c, head)) {
    if (interrupts::count() > 0)
      throw command_error(exit_code::interrupted, "the cluster goes on stopping");
    std::this_thread::sleep_for(poll_interval);
  }
  if (c.out.is_json()) c.out.print_json(json{{"address", address}, {"stopped", true}});
  else c.out.note("The cluster has ended");
  return exit_code::done;
}

}  // namespace

void add_down(command_line& line) {
  auto* command = line.add("down", group_cluster, "Stop a cluster, and every worker of it",
                           "  troupe down                            # the one started last\n"
                           "  troupe down --now                      # without waiting for tasks\n"
                           "  troupe down --address 127.0.0.1:7400\n\n"
                           "Nothing new is taken; running tasks may finish; then workers end.");
  auto now = std::make_shared<bool>(false);
  command->add_flag("--now", *now, "End running tasks too");
  line.run(command, [&line, now] { return down(line.c, *now); });
}

}  // namespace troupe::cli
