#include "libruntime/task_context.hpp"

#include <algorithm>
#include <cmath>

namespace troupe {

std::string_view to_string(stop_reason r) {
  switch (r) {
    case stop_reason::none: return "none";
    case stop_reason::cancelled: return "cancelled";
    case stop_reason::timed_out: return "timed_out";
    case stop_reason::draining: return "draining";
  }
  return "none";
}

const char* cancelled_error::what() const noexcept {
  switch (why_) {
    case stop_reason::timed_out: return "the task ran longer than its timeout";
    case stop_reason::draining: return "the task's worker must stop and could not wait for it";
    default: return "the task was cancelled";
  }
}

void task_context::progress(double fraction, std::string_view text) {
  services_.progress(std::isnan(fraction) ? 0 : std::clamp(fraction, 0.0, 1.0), text);
}

const std::vector<std::uint32_t>& task_context::indexes(std::string_view resource) const {
  static const std::vector<std::uint32_t> none;
  auto i = resources_.indexes.find(resource);
  return i == resources_.indexes.end() ? none : i->second;
}

}  // namespace troupe
