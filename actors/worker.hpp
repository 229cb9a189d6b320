// worker_actor: runs tasks. Owns the executor (worker/executor.hpp), which does the work in threads
// of its own and says when there is something to report; translates the scheduler's messages for it
// and its reports for the scheduler. Speaks to its head through an `upstream`: the scheduler itself in
// the head's process, an uplink in a worker process.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "worker/executor.hpp"

namespace troupe::actors {

// Where the reports go; empty while there is nobody to report to.
using upstream = std::function<void(std::vector<protocol::message>)>;

struct worker_actor_options {
  std::shared_ptr<worker::executor> executor;
  duration heartbeat_interval = std::chrono::seconds{1};
  duration stop_grace = std::chrono::seconds{8};  // for running tasks, once told to end
  // What the machine says; called at each heartbeat, must be quick.
  std::function<void(protocol::heartbeat&)> measure;
  // A task ignores its stop request: the worker has to be restarted.
  std::function<void(const std::string& task)> on_stuck;
  // Tells the owner, once, that nothing runs any more and why.
  std::function<void(const std::string& reason)> on_ended;
};

// To the worker actor, beside the scheduler's outboxes.
struct output_ready {};  // the executor has something to report
struct set_upstream {    // registered, again after a broken link; or the link is gone
  upstream send;
};
struct end_worker {      // running tasks are cancelled
  std::string reason;
};
struct worker_ended {    // from itself
  std::string reason;
};

using worker_actor =
    party_actor::extend<caf::reacts_to<output_ready>, caf::reacts_to<set_upstream>,
                        caf::reacts_to<end_worker>, caf::reacts_to<worker_ended>,
                        caf::reacts_to<wake_up>>;

struct worker_actor_state {
  worker_actor_state() = default;
  static inline const char* name = "worker";
  worker_actor_options options;
  upstream send;
  bool ending = false;
};

worker_actor::behavior_type worker_behavior(worker_actor::stateful_pointer<worker_actor_state> self,
                                            worker_actor_options options);

}  // namespace troupe::actors

TROUPE_LOCAL_MESSAGE(output_ready)
TROUPE_LOCAL_MESSAGE(set_upstream)
TROUPE_LOCAL_MESSAGE(end_worker)
TROUPE_LOCAL_MESSAGE(worker_ended)
