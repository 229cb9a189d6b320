// Values that are too large for memory: one file each in a private folder, mapped back, so that the
// kernel decides what of it is in memory. Big values go straight there as they arrive over a link;
// results that the head has too many of are moved there. A file has no name any more once it is
// mapped: it is gone with the last handle on its value, and with the process at the latest.
//
// Together they should take at most `limit` bytes: beyond it store() fails. What arrives over a link is
// taken all the same (and counted): ending the link would only have it sent again, and in memory it
// would be worse.
//
// Blocking file work. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "libruntime/failure.hpp"
#include "libruntime/protocol/blob_store.hpp"
#include "libruntime/value.hpp"

namespace troupe::actors {

class file_store final : public protocol::blob_store {
 public:
  // Makes the folder (0700).
  static result<std::shared_ptr<file_store>> open(const std::filesystem::path& folder,
                                                  std::uint64_t limit = UINT64_MAX);

  result<std::unique_ptr<protocol::blob_writer>> create(std::uint64_t size) override;
  // A value with the same bytes, backed by a file.
  result<value> store(const value& v);

 private:
  file_store(std::filesystem::path folder, std::uint64_t limit)
      : folder_(std::move(folder)), limit_(limit) {}
  // Counts bytes as used until it goes. `reserve` gives null where they are not left.
  std::shared_ptr<void> use(std::uint64_t bytes);
  std::shared_ptr<void> reserve(std::uint64_t bytes);
  std::shared_ptr<void> held(std::uint64_t bytes);
  result<std::unique_ptr<protocol::blob_writer>> create_file(std::shared_ptr<void> room);

  const std::filesystem::path folder_;
  const std::uint64_t limit_;
  // Values outlive the store: it is shared with what they reserved.
  std::shared_ptr<std::atomic<std::uint64_t>> used_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace troupe::actors
