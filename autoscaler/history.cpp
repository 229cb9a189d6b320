// Memory of the policy. The windows are monotonic queues: a sample that a later one makes
// irrelevant (lower and older, when the highest is asked for) is dropped at once.
#include "autoscaler/history.hpp"

#include <algorithm>
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

// With a pool at work these follow each other every second and mean nothing.
bool is_everyday(cause c) {
  return c == cause::steady || c == cause::busy || c == cause::waiting_idle ||
         c == cause::tolerance;
}

// Whether a reader of the log would learn something from `b` after `a`.
bool differs(const decision& a, const decision& b) {
  if (a.pools.size() != b.pools.size() || a.unplaced.size() != b.unplaced.size()) return true;
  for (std::size_t i = 0; i < a.pools.size(); ++i) {
    const auto& x = a.pools[i];
    const auto& y = b.pools[i];
    if (x.pool != y.pool || x.registered != y.registered || x.launching != y.launching ||
        x.draining != y.draining || x.target != y.target ||
        (x.cause != y.cause && !(is_everyday(x.cause) && is_everyday(y.cause))) || x.min != y.min ||
        x.max != y.max)
      return true;
  }
  return false;
}

}  // namespace

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

void change_log::add(time_point now, std::uint32_t workers) {
  if (workers == 0) return;
  if (!changes_.empty() && changes_.back().at == now)
    changes_.back().workers += workers;
  else
    changes_.push_back({now, workers});
}

std::uint32_t change_log::within(time_point now, duration period) const {
  std::uint32_t sum = 0;
  for (auto it = changes_.rbegin(); it != changes_.rend() && now - it->at < period; ++it)
    sum += it->workers;
  return sum;
}

void change_log::prune(time_point now, duration longest) {
  while (!changes_.empty() && now - changes_.front().at >= longest) changes_.pop_front();
}

const decision& history::record(decision d, std::size_t limit, duration sample_interval) {
  d.number = last_.number + 1;
  const auto elapsed = last_.number ? std::max(d.at - last_.at, duration{}) : duration{};
  for (auto& p : d.pools) {
    auto& memory = pools_[p.pool];
    memory.worker_seconds += to_seconds(elapsed) * memory.billed_workers;
    memory.billed_workers = p.registered + p.draining;
    p.worker_seconds = memory.worker_seconds;
  }
  const bool keep = decisions_.empty() || d.acts() || differs(decisions_.back(), d) ||
                    d.at - decisions_.back().at >= sample_interval;
  last_ = std::move(d);
  if (keep && limit > 0) {
    decisions_.push_back(last_);
    while (decisions_.size() > limit) decisions_.pop_front();
  }
  return last_;
}

void history::forget_pools_but(const std::vector<std::string>& names) {
  std::erase_if(pools_, [&](const auto& entry) {
    return std::find(names.begin(), names.end(), entry.first) == names.end();
  });
}

double history::worker_seconds() const {
  double sum = 0;
  for (const auto& [name, memory] : pools_) sum += memory.worker_seconds;
  return sum;
}

}  // namespace troupe::autoscaler
