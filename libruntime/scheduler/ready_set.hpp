// The ready tasks of one job and class, lowest index first. Tasks that become ready in index order
// (a map of a million) are one range; others go through a heap. Entries are never searched for: one
// whose task is ready no longer is skipped when it comes up, so the owner keeps the count.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "libruntime/time.hpp"

namespace troupe::scheduler {

class ready_set {
 public:
  struct entry {
    std::uint32_t offset;
    time_point since;
  };

  void add(std::uint32_t begin, std::uint32_t end, time_point since) {
    if (head_ < ranges_.size() && begin < ranges_.back().end) {
      for (auto i = begin; i < end; ++i) add_early(i, since);
    } else if (head_ < ranges_.size() && begin == ranges_.back().end) {
      ranges_.back().end = end;  // keeps the older `since`
    } else {
      ranges_.push_back({begin, end, since});
    }
  }
  // The lowest entry; `end()` of the set has offset UINT32_MAX.
  entry front() const {
    if (!early_.empty() && (head_ == ranges_.size() || early_.front().offset < ranges_[head_].begin))
      return early_.front();
    if (head_ < ranges_.size()) return {ranges_[head_].begin, ranges_[head_].since};
    return {UINT32_MAX, {}};
  }
  void pop() {
    if (!early_.empty() &&
        (head_ == ranges_.size() || early_.front().offset < ranges_[head_].begin)) {
      std::pop_heap(early_.begin(), early_.end(), later);
      early_.pop_back();
      return;
    }
    if (++ranges_[head_].begin == ranges_[head_].end) drop_range();
  }
  bool empty() const { return head_ == ranges_.size() && early_.empty(); }
  void clear() {
    ranges_.clear();
    early_.clear();
    head_ = 0;
  }

 private:
  struct range {
    std::uint32_t begin, end;
    time_point since;
  };
  static bool later(const entry& a, const entry& b) { return a.offset > b.offset; }

  void add_early(std::uint32_t offset, time_point since) {
    early_.push_back({offset, since});
    std::push_heap(early_.begin(), early_.end(), later);
  }
  void drop_range() {
    if (++head_ == ranges_.size()) {
      ranges_.clear();
      head_ = 0;
    } else if (head_ >= 64 && head_ * 2 >= ranges_.size()) {
      ranges_.erase(ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }

  std::vector<range> ranges_;  // ascending, from head_
  std::size_t head_ = 0;
  std::vector<entry> early_;  // min-heap
};

}  // namespace troupe::scheduler
