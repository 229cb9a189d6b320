// Names of provider failures, and ends in words.
#include "providers/provider.hpp"

namespace troupe::providers {

std::string_view to_string(failure_class c) {
  switch (c) {
    case failure_class::no_capacity:
      return "no_capacity";
    case failure_class::quota:
      return "quota";
    case failure_class::throttled:
      return "throttled";
    case failure_class::rejected_credentials:
      return "rejected_credentials";
    case failure_class::invalid_request:
      return "invalid_request";
    case failure_class::ambiguous:
      return "ambiguous";
    case failure_class::transient:
      return "transient";
  }
  return "transient";
}

std::string describe(const instance_end& end) {
  std::string text = end.reason;
  if (text.empty() && end.exit_code) text = "exited with status " + std::to_string(*end.exit_code);
  if (text.empty() && end.signal) text = "killed by signal " + std::to_string(*end.signal);
  if (text.empty()) text = "ended";
  if (!end.last_lines.empty()) text += "; its last output:\n" + end.last_lines;
  return text;
}

}  // namespace troupe::providers
