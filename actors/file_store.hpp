// Values that are too large for memory: one file each in a private folder, mapped back, so that the
// kernel decides what of it is in memory. Big values go straight there as they arrive over a link;
// results that the head has too many of are moved there. A file has no name any more once it is
// mapped: it is gone with the last handle on its value, and with the process at the latest.
//
// Blocking file work. Thread-safe.
#pragma once

#include <filesystem>
#include <memory>

#include "libruntime/failure.hpp"
#include "libruntime/protocol/blob_store.hpp"
#include "libruntime/value.hpp"

namespace troupe::actors {

class file_store final : public protocol::blob_store {
 public:
  // Makes the folder (0700).
  static result<std::shared_ptr<file_store>> open(const std::filesystem::path& folder);

  result<std::unique_ptr<protocol::blob_writer>> create(std::uint64_t size) override;
  // A value with the same bytes, backed by a file.
  result<value> store(const value& v);

 private:
  explicit file_store(std::filesystem::path folder) : folder_(std::move(folder)) {}
  const std::filesystem::path folder_;
};

}  // namespace troupe::actors
