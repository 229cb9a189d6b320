// One task as the scheduler core stores it: a fixed-size record; `links` beside it for those that have
// dependencies or dependents; behind those, `particulars` for those with a label, an error or a past. A queued
// task without arguments costs one record and nothing else (its place in the ready queue is part of a range).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "libruntime/boxed.hpp"
#include "libruntime/failure.hpp"
#include "libruntime/ids.hpp"
#include "libruntime/snapshot.hpp"
#include "libruntime/time.hpp"
#include "libruntime/value.hpp"

namespace troupe::scheduler {

// A list of tasks, two words long. Most of a graph have an edge or two in each direction: those need no
// memory of their own.
class edges {
 public:
  edges() noexcept = default;
  edges(edges&& other) noexcept : few_(std::exchange(other.few_, {})) {}
  edges& operator=(edges&& other) noexcept {
    std::swap(few_, other.few_);
    return *this;
  }
  ~edges() {
    if (are_many()) delete many();
  }

  void push_back(task_id t) {
    if (are_many()) return many()->push_back(t);
    if (auto n = few(); n < few_.size()) {
      few_[n] = t;
      return;
    }
    auto all = std::make_unique<list>();
    all->reserve(2 * few_.size());
    all->assign(few_.begin(), few_.end());
    all->push_back(t);
    few_[0].job = marks_many;
    auto* p = all.release();
    std::memcpy(static_cast<void*>(&few_[1]), &p, sizeof p);
  }
  template <class P>
  void erase_if(P unwanted) {
    edges kept;
    for (auto id : *this)
      if (!unwanted(id)) kept.push_back(id);
    *this = std::move(kept);
  }
  const task_id* begin() const { return are_many() ? many()->data() : few_.data(); }
  const task_id* end() const { return begin() + size(); }
  const task_id& operator[](std::size_t i) const { return begin()[i]; }
  std::size_t size() const { return are_many() ? many()->size() : few(); }
  bool empty() const { return !few_[0].job; }

 private:
  using list = std::vector<task_id>;
  static_assert(sizeof(list*) <= sizeof(task_id) && std::is_trivially_copyable_v<task_id> &&
                std::has_unique_object_representations_v<task_id>);
  static constexpr job_id marks_many{UINT32_MAX};  // no head comes that far

  bool are_many() const { return few_[0].job == marks_many; }
  std::size_t few() const { return !few_[0].job ? 0 : !few_[1].job ? 1 : 2; }
  list* many() const {
    list* p;
    std::memcpy(&p, &few_[1], sizeof p);
    return p;
  }

  // Tasks, those of job 0 being none; or the mark and, in the second one's place, a list's address.
  std::array<task_id, 2> few_{};
};

// What most tasks of a graph don't have.
struct particulars {
  std::string label;
  std::shared_ptr<const failure> error;  // of the last attempt, or why it never ran
  std::uint16_t crashes = 0;
  std::uint16_t retries = 0;
  time_point not_before{};  // of a retry that is delayed
};

struct links {
  edges inputs;      // whose results its arguments name, by position
  edges after;       // waited for, values unused
  edges dependents;  // one entry an edge; they wait for this task
  boxed<particulars> rare;
  std::uint32_t unmet = 0;        // edges to tasks that have not ended
  std::uint32_t input_users = 0;  // edges from unended tasks that need this one's value
};
static_assert(sizeof(links) <= 64, "a graph has one a task, and goes through them again and again");

enum class task_flag : std::uint16_t {
  filled = 1 << 0,         // assigned: counted against its worker's resources, presumed to run
  known_running = 1 << 1,  // assigned: the worker said so
  recalling = 1 << 2,      // assigned: asked back, not answered yet
  cancelling = 1 << 3,     // assigned: the worker was told to end it
  front = 1 << 4,          // ready: in its class's front queue, before all others
  suspect = 1 << 5,        // a worker died under it: runs alone
  delayed = 1 << 6,        // waiting: until particulars::not_before
  held = 1 << 7,           // waiting: for its job to be closed
  released = 1 << 8,       // nobody outside wants the outcome any more
  has_result = 1 << 9,     // `payload` is the result of a success
  spilling = 1 << 10,      // asked to put its result on disk, not answered yet
  taken = 1 << 11,         // ready: out of its queue, about to be assigned
  refused = 1 << 12,       // failed: it was never taken, so there is nothing to start anew
};

struct task_record {
  value payload;  // arguments until it succeeds, then the result
  links* extra = nullptr;  // the store's; see task_store::more()
  worker_id worker;             // assigned or running: where; ended: where it ran last
  std::uint32_t position = 0;   // in the worker's `filled` list or lane
  std::uint32_t spec = 0;       // template number within the job
  float run_seconds = 0;        // of the last finished attempt
  attempt_number attempt = 1;   // of the current execution, or of the next
  std::uint16_t flags = 0;
  task_state state = task_state::waiting;

  task_record() = default;
  task_record(task_record&&) = default;  // the links go along
  task_record& operator=(task_record&&) = default;
  bool has(task_flag f) const { return (flags & static_cast<std::uint16_t>(f)) != 0; }
  void set(task_flag f) { flags |= static_cast<std::uint16_t>(f); }
  void clear(task_flag f) { flags &= static_cast<std::uint16_t>(~static_cast<std::uint16_t>(f)); }
  // Null where it never had any.
  particulars* rare() { return extra && extra->rare ? &*extra->rare : nullptr; }
  const particulars* rare() const { return extra && extra->rare ? &*extra->rare : nullptr; }
  // Null where there is none.
  std::shared_ptr<const failure> error() const { return rare() ? rare()->error : nullptr; }
  void forget_error() {
    if (auto* x = rare()) x->error.reset();
  }
};
static_assert(sizeof(task_record) <= 40, "tens of millions of these are kept in memory");

// The records of one job, by offset (index - first_index). Appending never moves more than one
// small chunk, and a job of one task costs one record. Links stand side by side, too: a graph has as many
// of them as tasks, and comes to them in about the order of its tasks.
class task_store {
 public:
  std::uint32_t size() const { return size_; }
  task_record& operator[](std::uint32_t i) { return chunks_[i >> chunk_bits][i & chunk_mask]; }
  const task_record& operator[](std::uint32_t i) const {
    return chunks_[i >> chunk_bits][i & chunk_mask];
  }
  task_record& append() {
    if ((size_ & chunk_mask) == 0 && size_ != 0)
      add_chunk(chunk_size);
    else if (size_ >= capacity_)
      grow_first();
    return (*this)[size_++];
  }
  // The record's links, which it has from now on.
  links& more(task_record& r) {
    if (!r.extra) r.extra = &add_links();
    return *r.extra;
  }
  // Its particulars, likewise.
  particulars& particulars_of(task_record& r) {
    auto& box = more(r).rare;
    return box ? *box : box.emplace();
  }

 private:
  static constexpr std::uint32_t chunk_bits = 10;
  static constexpr std::uint32_t chunk_size = 1u << chunk_bits;
  static constexpr std::uint32_t chunk_mask = chunk_size - 1;
  static constexpr std::uint32_t most_links = 256;  // in one piece

  void add_chunk(std::uint32_t n) {
    chunks_.push_back(std::make_unique<task_record[]>(n));
    capacity_ += n;
  }
  // The first chunk doubles until it is a whole one.
  void grow_first() {
    if (chunks_.empty()) return add_chunk(1);
    std::uint32_t larger = capacity_ * 2;
    auto bigger = std::make_unique<task_record[]>(larger);
    for (std::uint32_t i = 0; i < size_; ++i) bigger[i] = std::move(chunks_[0][i]);
    chunks_[0] = std::move(bigger);
    capacity_ = larger;
  }

  links& add_links() {
    if (links_used_ == links_room_) {
      auto room = std::min(std::max(2 * links_room_, 1u), most_links);
      links_.push_back(std::make_unique<links[]>(room));
      links_room_ = room;
      links_used_ = 0;
    }
    return links_.back()[links_used_++];
  }

  std::vector<std::unique_ptr<task_record[]>> chunks_;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  std::vector<std::unique_ptr<links[]>> links_;
  std::uint32_t links_used_ = 0, links_room_ = 0;  // of the last piece
};

}  // namespace troupe::scheduler
