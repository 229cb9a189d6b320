// Files of recorded work for `troupe simulate`, turned into loads. What a file says wrong is refused
// with file and line (for JSON: with the task); nothing is skipped without being counted.
//
//   csv       one job or array of like tasks a line; columns by name, see read_job_csv
//   openb     Alibaba's cluster-trace-gpu-v2023, pods as tasks
//   swf       the Standard Workload Format of batch systems
//   wfformat  a workflow of WfCommons, 1.4 or later
//
// The parsers are pure: text in, load out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "autoscaler/simulator/load.hpp"
#include "libruntime/failure.hpp"

namespace troupe::cli {

struct file_load {
  simulator::recorded_load load;
  std::uint64_t skipped = 0;  // entries that never ran
  std::string skipped_why;
};

// Reads the file, of this format ("": by its name and first line), and changes its times.
struct load_file_options {
  std::string format;
  double speed = 1;         // all times are divided by it; refused where one gets too long
  std::uint64_t limit = 0;  // submissions; 0: all
};
result<file_load> read_load_file(const std::string& file, const load_file_options& options);

// Columns: `submit` and `run_time` (seconds, or "1m30s"), and any of `name`, `count`, `cpus`,
// `resources` ("GPU=1"; several apart by ";"), `pool`, `priority`, `expected`.
result<file_load> read_job_csv(std::string_view text, const std::string& file);
// Run time is deletion less scheduling; GPUs are asked for as `GPU`, in parts where they are shared.
result<file_load> read_openb(std::string_view text, const std::string& file);
// A job of n processors is n tasks of one cpu.
result<file_load> read_swf(std::string_view text, const std::string& file);
// All tasks at once, as one graph.
result<file_load> read_wfformat(std::string_view text, const std::string& file);

}  // namespace troupe::cli
