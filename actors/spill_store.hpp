// Results that the head moves out of its memory: one file each in a private folder, mapped back, so
// that the kernel decides what of it is in memory. A file is removed when the last handle on its
// value is gone, and the folder when the store starts (leftovers of a head that was killed).
//
// Blocking file work; called by scheduler_actor for large values only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "libruntime/failure.hpp"
#include "libruntime/value.hpp"

namespace troupe::actors {

class spill_store {
 public:
  static result<std::unique_ptr<spill_store>> open(const std::filesystem::path& folder);
  // A value with the same bytes, backed by a file.
  result<value> store(const value& v);

 private:
  explicit spill_store(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
  std::uint64_t next_ = 1;
};

}  // namespace troupe::actors
