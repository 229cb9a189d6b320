// How commands end: exit codes, and the exception that carries one with words for people. Commands
// throw it from anywhere; cli/program.cpp catches it once, prints the words and exits with the code.
#pragma once

#include <stdexcept>
#include <string>

#include "libruntime/failure.hpp"

namespace troupe::cli {

enum class exit_code : int {
  done = 0,
  failed = 1,         // the task or the request failed
  usage = 2,          // bad usage or configuration
  no_cluster = 3,     // no cluster reached
  interrupted = 130,  // left by Ctrl-C before the end was known
  broken_pipe = 141,  // nobody reads what is printed
};

class command_error : public std::runtime_error {
 public:
  command_error(exit_code code, const std::string& message)
      : std::runtime_error(message), code_(code) {}
  exit_code code() const noexcept { return code_; }

 private:
  exit_code code_;
};

// Whoever read our output is gone; there is nobody to tell.
struct broken_pipe {};

[[noreturn]] inline void refuse_usage(const std::string& message) {
  throw command_error(exit_code::usage, message);
}
[[noreturn]] inline void request_failed(const std::string& message) {
  throw command_error(exit_code::failed, message);
}

// The value of something the user wrote, or exit code 2 with `what` ("--timeout") before the reason.
template <class T>
T usage_or_throw(result<T> r, const std::string& what) {
  if (!r) refuse_usage(what + ": " + r.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

}  // namespace troupe::cli
