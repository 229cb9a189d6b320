// What the worker core knows of a task by its id: the worker looks a task up two or three times in the
// half microsecond that a short one may cost. Tasks of a job come and go in the order of their indexes,
// so entries lie side by side in pages of 32 indexes: what is looked up next stands in the cache
// already, where a hash of the whole id would scatter it over more memory than a cache holds. Tasks without
// neighbours cost a page each, some 200 bytes. Grows, never shrinks; its owner bounds what it holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "libruntime/ids.hpp"

namespace troupe::worker {

class task_map {
 public:
  // Any number but `none`.
  using entry = std::uint32_t;
  static constexpr entry none = UINT32_MAX;

  entry find(task_id id) const {
    auto p = page_of(key(id));
    return p == none ? none : pages_[p].entries[offset(id)];
  }

  // pre: `x` isn't `none`. In place of what was there.
  void set(task_id id, entry x) {
    auto p = page_of(key(id));
    if (p == none) p = add_page(key(id));
    auto& old = pages_[p].entries[offset(id)];
    if (old == none) ++pages_[p].used, ++size_;
    old = x;
  }

  void erase(task_id id) {
    auto p = page_of(key(id));
    if (p == none || pages_[p].entries[offset(id)] == none) return;
    pages_[p].entries[offset(id)] = none;
    --size_;
    if (--pages_[p].used == 0) drop_page(key(id), p);
  }

  std::size_t size() const { return size_; }

 private:
  static constexpr unsigned page_bits = 5;
  static constexpr std::size_t page_size = std::size_t{1} << page_bits;

  struct page {
    page() { entries.fill(none); }
    std::uint32_t used = 0;
    std::array<entry, page_size> entries;
  };
  // Open addressing with linear probing, pages by key.
  struct slot {
    std::uint64_t key = 0;
    std::uint32_t page = none;
  };

  static std::uint64_t key(task_id id) {
    return (std::uint64_t{id.job.value} << 32 | id.index) >> page_bits;
  }
  static std::size_t offset(task_id id) { return id.index & (page_size - 1); }
  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t next(std::size_t i) const { return (i + 1) & mask(); }
  // Fibonacci hashing: the top bits of the product depend on all of the key, job and page.
  std::size_t home(std::uint64_t k) const {
    return static_cast<std::size_t>((k * 0x9E3779B97F4A7C15u) >> (64 - slot_bits_));
  }

  std::uint32_t page_of(std::uint64_t k) const {
    if (k == last_key_ && last_page_ != none) return last_page_;
    if (slots_.empty()) return none;
    auto i = home(k);
    while (slots_[i].page != none && slots_[i].key != k) i = next(i);
    last_key_ = k;
    return last_page_ = slots_[i].page;
  }

  std::uint32_t add_page(std::uint64_t k) {
    if ((used_pages_ + 1) * 2 > slots_.size()) grow();
    std::uint32_t p;
    if (free_pages_.empty()) {
      p = static_cast<std::uint32_t>(pages_.size());
      pages_.emplace_back();
    } else {
      p = free_pages_.back();
      free_pages_.pop_back();
    }
    place({k, p});
    ++used_pages_;
    last_key_ = k;
    return last_page_ = p;
  }

  void drop_page(std::uint64_t k, std::uint32_t p) {
    free_pages_.push_back(p);
    --used_pages_;
    last_page_ = none;
    auto hole = home(k);
    while (slots_[hole].key != k || slots_[hole].page == none) hole = next(hole);
    // Backward shift: what follows moves up unless it would end up before its home. No tombstones.
    for (auto i = next(hole); slots_[i].page != none; i = next(i)) {
      auto distance_home = (i - home(slots_[i].key)) & mask();
      auto distance_hole = (i - hole) & mask();
      if (distance_home < distance_hole) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole].page = none;
  }

  void place(slot s) {
    auto i = home(s.key);
    while (slots_[i].page != none) i = next(i);
    slots_[i] = s;
  }
  void grow() {
    slot_bits_ = slots_.empty() ? 6 : slot_bits_ + 1;
    std::vector<slot> old(std::size_t{1} << slot_bits_);
    old.swap(slots_);
    for (const auto& s : old)
      if (s.page != none) place(s);
  }

  std::vector<slot> slots_;  // none, or two to the power of slot_bits_
  unsigned slot_bits_ = 0;
  std::vector<page> pages_;
  std::vector<std::uint32_t> free_pages_;
  std::size_t used_pages_ = 0;
  std::size_t size_ = 0;
  mutable std::uint64_t last_key_ = 0;  // lookups in a row mostly share their page
  mutable std::uint32_t last_page_ = none;
};

}  // namespace troupe::worker
