// What the C++ API throws: a failure (code, words, exception type of the task) as an exception.
#pragma once

#include <stdexcept>
#include <utility>

#include "libruntime/failure.hpp"

namespace troupe {

class error : public std::runtime_error {
 public:
  explicit error(failure f) : std::runtime_error(to_string(f)), failure_(std::move(f)) {}
  const troupe::failure& why() const noexcept { return failure_; }
  errc code() const noexcept { return failure_.code; }

 private:
  troupe::failure failure_;
};

// The value of a result, or its failure thrown.
template <class T>
T value_or_throw(result<T> r) {
  if (!r) throw error(std::move(r.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

}  // namespace troupe
