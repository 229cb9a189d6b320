// Names of signals' states, and the windows over which numbers are looked at. The windows of
// recommendations are monotonic queues: a sample that a later one makes irrelevant (lower and
// older, when the highest is asked for) is dropped at once.
#include "autoscaler/signals.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace troupe::autoscaler {

namespace {

// Keeps `queue` strictly ordered by `before`, the most extreme number in front, and drops what has
// left the window. The number that was just added never leaves, even with a window of 0.
template <class Queue, class Before>
void slide(Queue& queue, time_point now, std::uint32_t wanted, duration window, Before before) {
  while (!queue.empty() && !before(queue.back().wanted, wanted)) queue.pop_back();
  queue.push_back({now, wanted});
  while (queue.size() > 1 && now - queue.front().until >= window) queue.pop_front();
}

}  // namespace

std::string_view to_string(signal_trouble t) {
  static constexpr std::array<std::string_view, 13> words{
      "none",       "unread", "timeout", "unreachable", "unauthorized", "http_error", "bad_query",
      "bad_answer", "empty",  "several", "nan",         "infinite",     "stale"};
  return words[static_cast<std::size_t>(t)];
}

std::string_view to_string(signal_state s) {
  static constexpr std::array<std::string_view, 4> words{"good", "fading", "held", "failed"};
  return words[static_cast<std::size_t>(s)];
}

void recommendation_window::add(time_point now, std::uint32_t wanted, duration up_window,
                                duration down_window) {
  slide(falling_, now, wanted, down_window, std::greater<>{});
  slide(rising_, now, wanted, up_window, std::less<>{});
}

std::uint32_t recommendation_window::lowest() const {
  return rising_.empty() ? 0 : rising_.front().wanted;
}

std::uint32_t recommendation_window::highest() const {
  return falling_.empty() ? 0 : falling_.front().wanted;
}

void wait_window::add(time_point now, const duration_histogram& since_start) {
  constexpr auto apart = length / 12;  // so that there are few, whatever the rate of calls
  if (samples_.size() > 1 && now - samples_[samples_.size() - 2].at < apart)
    samples_.back() = {now, since_start};
  else
    samples_.push_back({now, since_start});
  while (samples_.size() > 2 && now - samples_[1].at >= length) samples_.pop_front();
}

double wait_window::p95_seconds(
    const std::vector<std::pair<std::uint64_t, duration>>& waiting) const {
  if (samples_.empty()) return 0;
  std::array<double, duration_histogram::buckets> counts{};
  double total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto now = samples_.back().waits.counts[i], before = samples_.front().waits.counts[i];
    counts[i] = now > before ? static_cast<double>(now - before) : 0;
    total += counts[i];
  }
  double longest = 0;
  for (const auto& [tasks, wait] : waiting) {
    std::size_t i = 0;
    while (i + 1 < counts.size() && wait > duration_histogram::bound(i)) ++i;
    counts[i] += static_cast<double>(tasks);
    total += static_cast<double>(tasks);
    longest = std::max(longest, to_seconds(wait));
  }
  if (total <= 0) return 0;
  auto left = 0.95 * total;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (left > counts[i]) {
      left -= counts[i];
      continue;
    }
    const auto low = i == 0 ? 0.0 : to_seconds(duration_histogram::bound(i - 1));
    const auto high = to_seconds(duration_histogram::bound(i));
    const auto between = low + (high - low) * left / counts[i];
    // Who waits still can't have waited longer than the oldest.
    const bool ended = samples_.back().waits.counts[i] > samples_.front().waits.counts[i];
    return ended || longest < low ? between : std::min(between, longest);
  }
  return std::max(longest, to_seconds(duration_histogram::bound(counts.size() - 1)));
}

}  // namespace troupe::autoscaler
