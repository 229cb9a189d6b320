// Workers inside this process, made by a factory that the wiring gives: for embedding and tests.
//
// Starting and stopping run on a thread of the provider's own, so that neither blocks the caller.
// An instance ends with the provider at the latest. What the factory throws fails that launch.
#pragma once

#include <functional>
#include <memory>

#include "providers/provider.hpp"

namespace troupe::providers {

// A worker in this process. Its destructor waits until nothing of it runs.
class thread_worker {
 public:
  virtual ~thread_worker() = default;
  // Asks it to end; returns at once.
  virtual void stop() = 0;
};

struct thread_worker_request {
  std::string cluster;
  std::string pool;
  launch_item item;
  worker_command command;  // argv is for processes; env is for both
};

// `ended` may be called once, from any thread, when the worker ends by itself or has stopped;
// the text is empty when all is well.
using thread_worker_factory = std::function<answer<std::unique_ptr<thread_worker>>(
    const thread_worker_request&, std::function<void(std::string)> ended)>;

std::unique_ptr<provider> make_threads_provider(std::string cluster, thread_worker_factory factory);

}  // namespace troupe::providers
