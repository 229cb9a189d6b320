// Control requests of a client that wait for their answers. Each waiting thread has a place of its
// own, so that an answer, a broken link or the end wakes it with what it is to return.
//
// The map is guarded by the owner's lock, the places by their own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "libruntime/failure.hpp"
#include "libruntime/value.hpp"

namespace troupe::detail {

// Where one answer will be.
class awaited_answer {
 public:
  void set(result<value> outcome);
  // Nothing if the time passed first.
  std::optional<result<value>> wait_for(std::chrono::nanoseconds timeout);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<result<value>> outcome_;
};
using answer_ptr = std::shared_ptr<awaited_answer>;

class questions {
 public:
  std::uint64_t next_number() { return next_++; }
  answer_ptr add(std::uint64_t number);
  // Out of the map; null: it isn't waited for any more.
  answer_ptr take(std::uint64_t number);
  // Those for which `p(number)` holds.
  template <class P>
  std::vector<answer_ptr> take_if(P p) {
    std::vector<answer_ptr> out;
    std::erase_if(waiting_, [&](const auto& entry) {
      bool taken = p(entry.first);
      if (taken) out.push_back(entry.second);
      return taken;
    });
    return out;
  }

 private:
  std::uint64_t next_ = 1;
  std::unordered_map<std::uint64_t, answer_ptr> waiting_;
};

}  // namespace troupe::detail
