// signal_reader: asks a Prometheus for every signal that has a query, each at its own interval, and
// tells the autoscaler what came of it. Owns a thread and the connections on it, so that a server
// that is slow, dead or hostile costs nobody else anything; at most one request a signal is under way.
//
// Thread-safety: made and destroyed by one thread. Readings arrive on its own thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "autoscaler/signals.hpp"
#include "libruntime/settings.hpp"

namespace troupe::actors {

class signal_reader {
 public:
  using listener = std::function<void(autoscaler::signal_reading)>;

  // Asks for all of them at once, then at their intervals. Signals of other sources are left out.
  signal_reader(const autoscaler_settings& settings, listener tell);
  ~signal_reader();  // nobody is told anything after it

  signal_reader(const signal_reader&) = delete;
  signal_reader& operator=(const signal_reader&) = delete;

  // Whether there is anything to read.
  static bool needed(const autoscaler_settings& settings);

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace troupe::actors
