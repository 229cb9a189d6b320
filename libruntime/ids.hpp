// Names of things, each a type of its own, so that a worker can't be passed where a job is meant.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "libruntime/fields.hpp"

namespace troupe {

template <class Tag, class Rep>
struct strong_id {
  using rep = Rep;
  Rep value = 0;

  constexpr strong_id() = default;
  constexpr explicit strong_id(Rep v) : value(v) {}
  constexpr explicit operator bool() const { return value != 0; }  // 0 is "none" everywhere
  auto operator<=>(const strong_id&) const = default;
};

using job_id = strong_id<struct job_tag, std::uint32_t>;        // 1, 2, 3 … in a cluster's life
using worker_id = strong_id<struct worker_tag, std::uint32_t>;  // 1, 2, 3 … in an epoch
using client_id = strong_id<struct client_tag, std::uint32_t>;  // one connected client
using template_id = strong_id<struct template_tag, std::uint32_t>;
using epoch_id = strong_id<struct epoch_tag, std::uint32_t>;    // one start of the head
using incarnation = strong_id<struct incarnation_tag, std::uint64_t>;  // one start of a worker

using task_index = std::uint32_t;  // as the user sees it; a job's first may be other than 0
using attempt_number = std::uint16_t;  // 1 for the first execution

// Written JOB.INDEX.
struct task_id {
  job_id job;
  task_index index = 0;

  auto operator<=>(const task_id&) const = default;
  TROUPE_FIELDS(job, index)
};

std::string to_string(task_id id);
// "12.3" → task, nothing else is accepted.
std::optional<task_id> parse_task_id(std::string_view text);
// "12" → job.
std::optional<job_id> parse_job_id(std::string_view text);

}  // namespace troupe

template <class Tag, class Rep>
struct std::hash<troupe::strong_id<Tag, Rep>> {
  std::size_t operator()(troupe::strong_id<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
template <>
struct std::hash<troupe::task_id> {
  std::size_t operator()(troupe::task_id id) const noexcept {
    return std::hash<std::uint64_t>{}((std::uint64_t{id.job.value} << 32) | id.index);
  }
};
