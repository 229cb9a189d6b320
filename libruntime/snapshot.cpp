#include "libruntime/snapshot.hpp"

namespace troupe {

std::string_view to_string(task_state s) {
  switch (s) {
    case task_state::waiting: return "waiting";
    case task_state::ready: return "ready";
    case task_state::assigned: return "assigned";
    case task_state::running: return "running";
    case task_state::finished: return "finished";
    case task_state::failed: return "failed";
    case task_state::cancelled: return "cancelled";
  }
  return "unknown";
}

std::string_view to_string(worker_state s) {
  switch (s) {
    case worker_state::ready: return "ready";
    case worker_state::cordoned: return "cordoned";
    case worker_state::draining: return "draining";
    case worker_state::disconnected: return "disconnected";
    case worker_state::lost: return "lost";
  }
  return "unknown";
}

}  // namespace troupe
