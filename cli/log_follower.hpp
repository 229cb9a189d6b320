// Copies what tasks print from the cluster to our stdout and stderr, in pieces, while they run. For
// jobs of several tasks every line begins with its task. Reads in the order of the tasks, and never
// more of them at a time than one page, however large the job.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cli/context.hpp"
#include "libruntime/ids.hpp"

namespace troupe::cli {

enum class log_streams { out, err, both };

// One stream of one task.
class log_cursor {
 public:
  log_cursor(std::string task, bool err, std::optional<attempt_number> attempt)
      : task_(std::move(task)), err_(err), attempt_(attempt) {}
  // Copies what is there. Returns whether the task was over and everything has been read.
  bool copy(context& c, bool prefixed);
  // Prints a last line that has no end.
  void flush(context& c, bool prefixed);

 private:
  void show(context& c, std::string_view data, bool prefixed);

  std::string task_;
  bool err_ = false;
  std::optional<attempt_number> attempt_;
  std::uint64_t offset_ = 0;
  std::string partial_;  // of a prefixed line, at most max_partial bytes
};

class log_follower {
 public:
  log_follower(context& c, std::string job, log_streams streams);
  // Copies what there is now.
  void poll();
  // Copies the rest; the job must be over.
  void finish();

 private:
  struct followed {
    std::string id;
    std::optional<log_cursor> out, err;
    bool over = false;
  };
  void load_page();
  void copy(followed& t);

  context& c_;
  std::string job_;
  log_streams streams_;
  std::uint64_t offset_ = 0;        // position in the job of page_.front()
  std::deque<followed> page_;       // tasks that are looked at
  bool prefixed_ = false;
  std::chrono::steady_clock::time_point next_poll_{};
};

}  // namespace troupe::cli
