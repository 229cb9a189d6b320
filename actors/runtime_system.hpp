// Runs a head in the foreground of this process until somebody ends it: what `troupe up` and
// `troupe scheduler` do.
#pragma once

#include <functional>
#include <string>

#include "actors/head.hpp"

namespace troupe::actors {

struct run_head_options {
  head_options setup;
  duration drain_patience = std::chrono::minutes{10};
  // Called once everything is up (a banner, a pid file).
  std::function<void(head&)> on_ready;
  // Called when the end begins: why, and whether running tasks may finish.
  std::function<void(const std::string& why, bool drain)> on_stopping;
};

// Blocks. SIGINT and SIGTERM (and a `shutdown` request) drain, then stop; a second one stops now.
// SIGHUP reads the configuration again, unless it says that the terminal is gone, which is an end.
// The exit code: 0 after an orderly end, 1 when some instances were not confirmed gone. Fails when
// the head can't start.
result<int> run_head(run_head_options options);

}  // namespace troupe::actors
