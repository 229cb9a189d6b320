// config_keeper: owns the settings in effect. Shows them (`config.show`), and takes over what may
// change while the cluster runs, from a text (`config.apply`) or from the cluster's own file, read
// again after a SIGHUP: all of it or, if anything is wrong, nothing. The signal reader is its own,
// because signals are settings. Has a thread, because it reads files.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/signal_reader.hpp"
#include "config/config.hpp"

namespace troupe::actors {

struct config_keeper_options {
  config::loaded running;
  config::reader read;  // empty: the configuration can't change
  scheduler_actor scheduler;
  autoscaler_actor autoscaler;
  std::vector<std::pair<std::string, manager_actor>> managers;  // by pool
};

struct config_keeper_state {
  config_keeper_state() = default;
  static inline const char* name = "config_keeper";

  config_keeper_options options;
  std::unique_ptr<signal_reader> signals;  // none: nothing to read
  bool stopping = false;
};

config_actor::behavior_type config_keeper(config_actor::stateful_pointer<config_keeper_state> self,
                                          config_keeper_options options);

}  // namespace troupe::actors
