#include "worker/call_services.hpp"

namespace troupe::worker {
namespace fs = std::filesystem;

fs::path scratch_folder(const fs::path& scratch, task_id task, attempt_number attempt) {
  return scratch / (to_string(task) + "." + std::to_string(attempt));
}

void remove_folder(const fs::path& folder) {
  std::error_code ignored;  // what a task leaves unremovable is removed with the worker's folder
  fs::remove_all(folder, ignored);
}

}  // namespace troupe::worker
