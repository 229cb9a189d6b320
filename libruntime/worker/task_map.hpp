// Which record belongs to a task: open addressing with linear probing, because the worker looks a
// task up two or three times in the half microsecond that a short one may cost, and a node a task
// (std::unordered_map) would be most of that. Grows, never shrinks; holds no more than the window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libruntime/ids.hpp"

namespace troupe::worker {

class task_map {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  std::uint32_t find(task_id id) const {
    if (slots_.empty()) return none;
    for (auto i = home(key(id));; i = next(i)) {
      if (slots_[i].record == none) return none;
      if (slots_[i].key == key(id)) return slots_[i].record;
    }
  }

  // pre: `id` is not in the map, `record` isn't `none`.
  void insert(task_id id, std::uint32_t record) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    place({key(id), record});
    ++size_;
  }

  void erase(task_id id) {
    if (slots_.empty()) return;
    auto hole = home(key(id));
    while (slots_[hole].key != key(id) || slots_[hole].record == none) {
      if (slots_[hole].record == none) return;
      hole = next(hole);
    }
    // Backward shift: what follows moves up unless it would end up before its home. No tombstones.
    for (auto i = next(hole); slots_[i].record != none; i = next(i)) {
      auto distance_home = (i - home(slots_[i].key)) & mask();
      auto distance_hole = (i - hole) & mask();
      if (distance_home < distance_hole) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole].record = none;
    --size_;
  }

  std::size_t size() const { return size_; }

 private:
  struct slot {
    std::uint64_t key = 0;
    std::uint32_t record = none;
  };

  static std::uint64_t key(task_id id) { return (std::uint64_t{id.job.value} << 32) | id.index; }
  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t next(std::size_t i) const { return (i + 1) & mask(); }
  // Fibonacci hashing: consecutive indexes of one job spread over the table.
  std::size_t home(std::uint64_t k) const {
    return static_cast<std::size_t>((k * 0x9E3779B97F4A7C15u) >> 20) & mask();
  }
  void place(slot s) {
    auto i = home(s.key);
    while (slots_[i].record != none) i = next(i);
    slots_[i] = s;
  }
  void grow() {
    std::vector<slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const auto& s : old)
      if (s.record != none) place(s);
  }

  std::vector<slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace troupe::worker
