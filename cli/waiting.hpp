// Waiting for a job: progress on a terminal, Ctrl-C, and the words at the end.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/interrupts.hpp"

namespace troupe::cli {

class job_waiter {
 public:
  // What the first Ctrl-C does. The second one always leaves at once.
  enum class on_interrupt {
    cancel_job,  // and goes on waiting for its end
    leave,       // the job goes on
  };
  job_waiter(context& c, job_handle& job, on_interrupt what);

  // Calls `over(d)`, which waits at most d, until it returns true. `tick` runs in between.
  void until(const std::function<bool(duration)>& over, const std::function<void()>& tick = {});
  void whole_job(const std::function<void()>& tick = {});

  bool interrupted() const { return handled_ > 0; }

 private:
  void look_for_interrupts();
  void show_progress();
  double elapsed() const;

  context& context_;
  job_handle& job_;
  on_interrupt on_interrupt_;
  interrupts signals_;
  unsigned handled_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The end of a job, from the control request "job".
struct job_summary {
  std::string id, name, state;
  std::uint64_t succeeded = 0, failed = 0, cancelled = 0;
  double took = 0;  // seconds from its submission to its end, by the head's clock
};
job_summary summary_of(const json& job);

// Prints the end of a job in the format asked for, naming the first failed tasks, and returns the
// exit code: done if every task finished.
exit_code report_end(context& c, const std::string& id);

}  // namespace troupe::cli
