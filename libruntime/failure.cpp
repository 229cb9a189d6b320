#include "libruntime/failure.hpp"

#include <array>

namespace troupe {
namespace {

constexpr std::array<std::string_view, 24> names = {
    "none",          "invalid_argument", "not_found",         "already_exists", "unknown_function",
    "infeasible",    "cycle",            "cancelled",         "timed_out",      "task_error",
    "worker_lost",   "crash_limit",      "dependency_failed", "result_lost",    "too_large",
    "overloaded",    "unavailable",      "forbidden",         "unauthenticated", "protocol",
    "version_mismatch", "io",            "internal",          ""};
static_assert(names[static_cast<std::size_t>(errc::internal)] == "internal");

}  // namespace

std::string_view to_string(errc code) {
  auto i = static_cast<std::size_t>(code);
  return i <= static_cast<std::size_t>(errc::internal) ? names[i] : "internal";
}

errc errc_from_string(std::string_view name) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(errc::internal); ++i)
    if (names[i] == name) return static_cast<errc>(i);
  return errc::internal;
}

retry_class retry_class_of(errc code) {
  switch (code) {
    case errc::overloaded:
    case errc::unavailable:
      return retry_class::later;
    case errc::worker_lost:
    case errc::io:
      return retry_class::elsewhere;
    default:
      return retry_class::never;
  }
}

std::string to_string(const failure& f) {
  std::string out{to_string(f.code)};
  if (!f.type.empty()) out += " (" + f.type + ")";
  if (!f.message.empty()) out += ": " + f.message;
  return out;
}

}  // namespace troupe
