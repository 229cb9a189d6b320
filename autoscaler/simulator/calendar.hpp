// The virtual clock, and what is going to happen: callbacks in the order of their times, and among
// equal times in the order in which they were put down. Single-threaded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "libruntime/time.hpp"

namespace troupe::simulator {

class calendar {
 public:
  using callback = std::function<void()>;

  explicit calendar(time_point start) : now_(start) {}

  time_point now() const { return now_; }
  void at(time_point when, callback f) {
    entries_.push_back({std::max(when, now_), next_order_++, std::move(f)});
    std::push_heap(entries_.begin(), entries_.end(), later);
  }
  void after(duration d, callback f) { at(now_ + d, std::move(f)); }

  std::optional<time_point> next() const {
    if (entries_.empty()) return {};
    return entries_.front().when;
  }
  // Moves the clock; pre: not back, and not past next().
  void advance(time_point to) { now_ = to; }
  // Pre: something is due now.
  void run_next() {
    std::pop_heap(entries_.begin(), entries_.end(), later);
    auto f = std::move(entries_.back().what);
    entries_.pop_back();
    f();
  }

 private:
  struct entry {
    time_point when;
    std::uint64_t order;
    callback what;
  };
  static bool later(const entry& a, const entry& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  time_point now_;
  std::vector<entry> entries_;  // a heap
  std::uint64_t next_order_ = 0;
};

}  // namespace troupe::simulator
