// Where a session puts big values while they arrive. The default keeps them in memory; the edges give
// one that writes to files and maps them. Called on the session's thread; failures end the link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "libruntime/failure.hpp"
#include "libruntime/value.hpp"

namespace troupe::protocol {

// One value on its way in. Destroyed without finish() when the link ends before the value is whole.
class blob_writer {
 public:
  virtual ~blob_writer() = default;
  virtual result<void> append(std::span<const std::byte> bytes) = 0;
  // Once, after exactly the announced number of bytes. The session checks that they are MessagePack.
  virtual result<value> finish() = 0;
};

class blob_store {
 public:
  virtual ~blob_store() = default;
  // `size` is what the peer announces: reserve nothing for it that can't be taken back.
  virtual result<std::unique_ptr<blob_writer>> create(std::uint64_t size) = 0;
};

// Grows with what has arrived, not with what is announced.
class memory_blob_store final : public blob_store {
 public:
  result<std::unique_ptr<blob_writer>> create(std::uint64_t size) override;
};

}  // namespace troupe::protocol
