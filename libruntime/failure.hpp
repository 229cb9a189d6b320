// How things fail: a code with a retry class, and words for people. Travels in `result<T>`; becomes
// a caf::error once, in actors/, and an HTTP status once, in gateway/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

#include "libruntime/fields.hpp"

namespace troupe {

enum class errc : std::uint8_t {
  none = 0,
  invalid_argument,   // the request can't mean anything
  not_found,          // no such job, task, worker, pool, function
  already_exists,     // the name or key is taken by something else
  unknown_function,   // no pool can know a function of this name
  infeasible,         // no pool could ever offer these resources
  cycle,              // the graph's dependencies form a circle
  cancelled,          // somebody asked for it
  timed_out,          // the task's own time limit
  task_error,         // the function threw, or the command could not run
  worker_lost,        // its worker died under it
  crash_limit,        // its workers died under it `crash_limit` times
  dependency_failed,  // a task it depends on failed; the message names it
  result_lost,        // the value is gone and can't be made again
  too_large,          // over a limit on size
  overloaded,         // a limit on count, bytes or rate is reached
  unavailable,        // the other side can't be reached now
  forbidden,          // the role or owner may not do this
  unauthenticated,    // no or a wrong proof of identity
  protocol,           // the peer sent something that the protocol doesn't allow
  version_mismatch,   // the peer speaks another version of the protocol
  io,                 // files, sockets, processes
  internal,           // our bug
};

// What the caller may do about a failure.
enum class retry_class : std::uint8_t { never, later, elsewhere };

std::string_view to_string(errc code);         // "not_found"
errc errc_from_string(std::string_view name);  // unknown names give errc::internal
retry_class retry_class_of(errc code);

struct failure {
  errc code = errc::internal;
  std::string message;  // for people: names the thing, the value, and what to do
  std::string type;     // of a task_error: the exception's type, else empty

  TROUPE_FIELDS(code, message, type)
  friend bool operator==(const failure&, const failure&) = default;
};

std::string to_string(const failure& f);  // "not_found: no pool \"x\""

template <class T>
using result = tl::expected<T, failure>;

// `return fail(errc::not_found, "…")` from a function that returns a result<T>.
inline tl::unexpected<failure> fail(errc code, std::string message, std::string type = {}) {
  return tl::unexpected<failure>(failure{code, std::move(message), std::move(type)});
}

}  // namespace troupe
