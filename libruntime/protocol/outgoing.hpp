// The sending half of a session: queues messages by lane, moves big values out of them, and produces
// bytes as the link can take them. What may overtake what is described in session.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "libruntime/failure.hpp"
#include "libruntime/protocol/messages.hpp"
#include "libruntime/protocol/session_settings.hpp"

namespace troupe::protocol {

class outgoing {
 public:
  explicit outgoing(const session_settings& settings) : settings_(settings) {}

  result<void> send(message m);
  void grant(std::uint32_t blob, std::uint64_t upto) { grants_[blob] = upto; }
  bool answer(ping p);  // false: too many wait already
  // The peer granted more of one of our blobs; grants for blobs that have left are ignored.
  void granted(std::uint32_t blob, std::uint64_t upto);

  bool pending() const;
  std::size_t queued_bytes() const { return queued_; }
  std::uint64_t queued_blob_bytes() const { return queued_blobs_; }
  void produce(std::string& out, std::size_t budget);

 private:
  enum lane_name : std::uint8_t { urgent, ordered, bulk, lane_count };

  // A value, or the bytes of a long message.
  struct blob {
    std::uint32_t number = 0;
    blob_kind kind{};
    value held;
    std::string owned;
    bool opened = false;
    std::uint64_t sent = 0;
    std::uint64_t window = initial_window;

    std::span<const std::byte> bytes() const;
  };
  // One message with blobs, or a batch of messages without.
  struct entry {
    std::string bytes;
    std::size_t items = 0;  // of one message: its list elements
    std::vector<blob> blobs;
    std::size_t next_blob = 0;
    std::uint64_t after = 0;   // of the bulk lane: ordered entries that must have left before
    std::vector<std::uint64_t> keys;  // of the bulk lane: what later messages must not overtake

    bool blobs_sent() const { return next_blob == blobs.size(); }
  };
  struct lane {
    std::deque<entry> entries;
    std::uint64_t pushed = 0, left = 0;
  };
  // Built whole before anything is queued, so that a refused message leaves no part of itself.
  struct prepared {
    lane_name where;
    entry what;
  };

  lane_name lane_of(const message& m) const;
  bool append_small(lane_name where, const message& m);
  result<void> prepare(message m, lane_name where, std::vector<prepared>& out);
  result<void> prepare_items(message& m, std::vector<prepared>& out);
  result<entry> make_entry(const message& m);
  void push(prepared p);
  result<void> push_all(std::vector<prepared> list);
  std::optional<message> take_followers(message& m) const;

  bool ready(lane_name where) const;
  void put_replies(std::string& out);
  void put_entries(std::string& out, std::size_t start, std::size_t budget);
  lane_name next_transfer() const;
  std::size_t least_chunk() const;
  bool put_chunk(std::string& out, std::size_t start, std::size_t budget);
  void leave(lane_name where);

  const session_settings& settings_;
  std::array<lane, lane_count> lanes_;
  std::uint32_t next_blob_ = 1;
  std::size_t last_transfer_ = 0;  // the lane that sent part of a blob last
  std::size_t queued_ = 0;
  std::uint64_t queued_blobs_ = 0;
  std::map<std::uint32_t, std::uint64_t> grants_;
  std::deque<std::uint64_t> pongs_;
  std::unordered_map<std::uint64_t, std::uint32_t> bulk_keys_;  // entries of the bulk lane, by key
};

}  // namespace troupe::protocol
