// What the core wants to be woken for. Entries are hints: whoever takes one checks whether it is
// still true, so nothing is ever searched for or removed.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "libruntime/time.hpp"

namespace troupe::scheduler {

enum class timer_kind : std::uint8_t { retry, worker, client, retention, steal };

struct timer {
  time_point when;
  timer_kind kind{};
  std::uint64_t subject = 0;  // task (job << 32 | index), worker or client incarnation
};

class timer_heap {
 public:
  void add(time_point when, timer_kind kind, std::uint64_t subject) {
    heap_.push({when, kind, subject});
  }
  std::optional<timer> take_due(time_point now) {
    if (heap_.empty() || heap_.top().when > now) return std::nullopt;
    auto t = heap_.top();
    heap_.pop();
    return t;
  }
  std::optional<time_point> next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.top().when;
  }

 private:
  struct later {
    bool operator()(const timer& a, const timer& b) const {
      if (a.when != b.when) return a.when > b.when;
      if (a.kind != b.kind) return a.kind > b.kind;
      return a.subject > b.subject;
    }
  };
  std::priority_queue<timer, std::vector<timer>, later> heap_;
};

}  // namespace troupe::scheduler
