// From the flags of `troupe submit` to a job; and waiting for jobs of commands.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.hpp"

namespace troupe::cli {

struct submit_flags {
  task_flags task;
  std::string array, each_line, from_json, cwd, stdin_file;
  std::vector<std::string> env;
  bool wait = false, follow = false;
};

// Reads the files that flags name. Bad usage ends the command.
job_draft draft_of(const submit_flags& f, const std::vector<std::string>& argv);

// Waits for a job of ours: progress, Ctrl-C cancels it, words at the end. `follow`: with its output.
exit_code await_job(context& c, const std::string& id, bool follow);

}  // namespace troupe::cli
