// What call, map and result share: results of calls as JSON, in order, as they come.
#pragma once

#include <string>

#include "cli/commands.hpp"
#include "cli/waiting.hpp"

namespace troupe::cli {

// Prints the results of a job of calls, one JSON line each, in the order of the tasks. A task that
// failed is a line {"$error": {task, code, message, type}}. Returns the exit code.
exit_code print_results(context& c, job_handle& job, job_waiter& waiter, task_index first_index);

json error_json(const std::string& task, const failure& f);

}  // namespace troupe::cli
