// Modules: shared libraries with functions, exporting
//   extern "C" void troupe_register(troupe::function_registry&)
// A worker loads them at its start. The head never does: it asks a child process what they hold, so
// that a module that crashes or hangs costs an error message.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libruntime/function_registry.hpp"
#include "libruntime/resources.hpp"
#include "libruntime/time.hpp"

namespace troupe::worker {

// Loads each and registers its functions. They stay loaded for the life of the process. Fails with
// the module's path and the reason: not found, not a library, a symbol missing, a name taken.
result<void> load_modules(const std::vector<std::string>& paths, function_registry& functions);

struct described_function {
  std::string name;
  std::string signature;  // "wordcount.count(string, int) -> {string: int}"
};

// What a worker of a program and modules would know and have on this machine.
struct description {
  std::vector<described_function> functions;  // sorted by name
  resource_set resources;                     // cpus, and GPU where there are any
  std::uint64_t memory = 0;                   // bytes

  std::vector<std::string> function_names() const;
};

// Starts the program (its main calls run_child_role first) and asks it. Blocks until the answer or the
// deadline. Failures name the program and the module, and quote the end of its stderr.
result<description> describe(const std::vector<std::string>& program,
                             const std::vector<std::string>& modules,
                             duration patience = std::chrono::seconds{10});

// If this process was started by `describe` or as the host of isolated calls, does that and returns
// the exit code; else nothing. `own`: the functions of the program itself.
std::optional<int> run_child_role(const function_registry& own);

// The environment entries that make the worker's program a host of isolated calls, for
// task_settings::call_host_env.
std::vector<std::string> call_host_environment(const std::vector<std::string>& modules);

// Writes the description as JSON to stdout; what modules print meanwhile goes to stderr.
int print_description(const function_registry& own);

}  // namespace troupe::worker
