// Two sessions joined by frames that the test carries by hand.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "libruntime/protocol/session.hpp"

namespace troupe::protocol::testing {

inline value text_value(std::size_t size, char fill = 'x') {
  return value::of(std::string(size, fill));
}

struct session_pair {
  explicit session_pair(session_settings settings = {}, blob_store* store = nullptr)
      : left(settings, store), right(settings, store) {}

  // One frame from left to right; false if left has nothing to send now.
  bool step(std::size_t budget = std::size_t{256} << 10) { return carry(left, right, arrived, budget); }
  // One frame back: grants and answers.
  bool step_back(std::size_t budget = std::size_t{256} << 10) {
    return carry(right, left, returned, budget);
  }
  // Until both are quiet.
  void run(std::size_t budget = std::size_t{256} << 10) {
    while (int(step(budget)) + int(step_back(budget)) > 0) {
    }
    if (left.wants_to_write() || right.wants_to_write()) throw std::logic_error{"they are stuck"};
  }
  void send(message m) {
    if (auto done = left.send(std::move(m)); !done) throw std::logic_error{done.error().message};
  }

  // All that came of one kind, in order.
  template <class T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const auto& m : arrived)
      if (const auto* x = std::get_if<T>(&m)) out.push_back(*x);
    return out;
  }
  // "open_job add_tasks …"
  std::string order() const {
    std::string out;
    for (const auto& m : arrived)
      out += (out.empty() ? "" : " ") + std::string{message_name(m.index())};
    return out;
  }

  session left, right;
  std::vector<message> arrived, returned;
  std::size_t frames = 0, largest = 0;

 private:
  bool carry(session& from, session& to, std::vector<message>& out, std::size_t budget) {
    std::string bytes;
    from.next_frames(bytes, budget);
    if (bytes.empty()) return false;
    ++frames;
    largest = std::max(largest, bytes.size());
    if (auto done = to.receive(wire::as_bytes(bytes), out); !done)
      throw std::logic_error{done.error().message};
    return true;
  }
};

}  // namespace troupe::protocol::testing
