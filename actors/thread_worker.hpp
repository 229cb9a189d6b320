// Workers inside the head's process, for provider `threads`: a worker actor whose upstream is the
// scheduler itself.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/worker_options.hpp"
#include "libruntime/function_registry.hpp"
#include "providers/threads/threads_provider.hpp"

namespace troupe::actors {

struct thread_worker_context {
  caf::actor_system* system = nullptr;
  scheduler_actor scheduler;
  const function_registry* functions = nullptr;
  worker_options options;
};

providers::thread_worker_factory thread_worker_factory(thread_worker_context context);

}  // namespace troupe::actors
