// Cutting long batches into several messages that mean the same. Used by the session for what would
// not fit a frame, and by those who make batches.
#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "libruntime/protocol/messages.hpp"

namespace troupe::protocol {

// Whether the message is one of these.
template <class T, class... Options>
inline constexpr bool one_of = (std::is_same_v<std::remove_const_t<T>, Options> || ...);

// How many items the message can be cut into; 0 for those that mean something only as a whole. Those
// include `finished`, because one number acknowledges all of it, and `cancel` and `release_results`
// of a whole job.
std::size_t item_count(const message& m);

// Leaves the first n items in `m` and returns a message with the rest. pre: 0 < n < item_count(m)
message split_off(message& m, std::size_t n);

// At most `max_items` in each, in order; `m` alone if it is short enough or can't be cut.
std::vector<message> split(message m, std::size_t max_items);

}  // namespace troupe::protocol
