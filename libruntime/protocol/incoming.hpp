// The receiving half of a session: takes frames apart, collects blobs, and gives out messages once
// everything they name has come. Whatever goes beyond a limit fails, and the link with it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "libruntime/failure.hpp"
#include "libruntime/protocol/blob_store.hpp"
#include "libruntime/protocol/codec.hpp"
#include "libruntime/protocol/outgoing.hpp"
#include "libruntime/protocol/session_settings.hpp"

namespace troupe::protocol {

class incoming final : blob_source {
 public:
  // Grants and pongs go to `replies`. All three outlive this; without a store, memory is used.
  incoming(const session_settings& settings, outgoing& replies, blob_store* store)
      : settings_(settings), replies_(replies), store_(store) {}

  result<void> receive(std::span<const std::byte> frame, std::vector<message>& out);

 private:
  // A blob on its way in.
  struct transfer {
    std::uint64_t size = 0;
    blob_kind kind{};
    bool in_memory = false;
    std::uint64_t received = 0;
    std::uint64_t granted = initial_window;
    std::unique_ptr<blob_writer> writer;
  };
  // A whole one that no message has named yet.
  struct arrived {
    value bytes;
    std::uint64_t size = 0;
    bool in_memory = false;
  };

  std::optional<value> take(std::uint32_t number) override;

  result<void> receive_one(wire::reader& in, std::vector<message>& out);
  result<void> blob_message(wire::reader& in, message_header header, std::vector<message>& out);
  result<void> open(std::uint32_t number, std::uint64_t size, std::uint64_t kind);
  result<void> data(std::uint32_t number, wire::bytes bytes, std::vector<message>& out);
  result<void> complete(std::uint32_t number, transfer t, std::vector<message>& out);
  result<void> long_message(const value& bytes, std::vector<message>& out);
  void forget(std::uint64_t size, bool in_memory);

  const session_settings& settings_;
  outgoing& replies_;
  blob_store* store_;
  memory_blob_store memory_;
  std::map<std::uint32_t, transfer> open_;
  std::unordered_map<std::uint32_t, arrived> arrived_;
  std::uint64_t bytes_ = 0;         // announced, of open and arrived ones
  std::uint64_t memory_bytes_ = 0;  // of those in memory
};

}  // namespace troupe::protocol
