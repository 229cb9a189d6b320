// Memory of the policy: what changed, what it cost, which decisions are worth keeping.
#include "autoscaler/history.hpp"

#include <algorithm>

namespace troupe::autoscaler {

namespace {

// With a pool at work these follow each other every second and mean nothing.
bool is_everyday(cause c) {
  return c == cause::steady || c == cause::busy || c == cause::waiting_idle ||
         c == cause::tolerance;
}

// Whether a reader of the log would learn something from `b` after `a`.
bool differs(const decision& a, const decision& b) {
  if (a.pools.size() != b.pools.size() || a.unplaced.size() != b.unplaced.size() ||
      a.signals.size() != b.signals.size())
    return true;
  for (std::size_t i = 0; i < a.signals.size(); ++i)
    if (a.signals[i].name != b.signals[i].name || a.signals[i].state != b.signals[i].state ||
        a.signals[i].trouble != b.signals[i].trouble)
      return true;
  for (std::size_t i = 0; i < a.pools.size(); ++i) {
    const auto& x = a.pools[i];
    const auto& y = b.pools[i];
    if (x.pool != y.pool || x.registered != y.registered || x.launching != y.launching ||
        x.draining != y.draining || x.target != y.target ||
        (x.cause != y.cause && !(is_everyday(x.cause) && is_everyday(y.cause))) || x.min != y.min ||
        x.max != y.max || x.scheduled_min != y.scheduled_min)
      return true;
  }
  return false;
}

}  // namespace

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
    memory.worker_seconds += to_seconds(elapsed) * memory.serving;
    memory.cost += to_seconds(elapsed) / 3600 * memory.cost_per_hour;
    memory.serving = p.registered + p.draining;
    memory.cost_per_hour = p.cost_per_hour;
    p.worker_seconds = memory.worker_seconds;
    p.cost = memory.cost;
    d.cost_per_hour += p.cost_per_hour;
  }
  d.cost = cost();
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
    if (std::find(names.begin(), names.end(), entry.first) != names.end()) return false;
    gone_worker_seconds_ += entry.second.worker_seconds;
    gone_cost_ += entry.second.cost;
    return true;
  });
}

double history::worker_seconds() const {
  double sum = gone_worker_seconds_;
  for (const auto& [name, memory] : pools_) sum += memory.worker_seconds;
  return sum;
}

double history::cost() const {
  double sum = gone_cost_;
  for (const auto& [name, memory] : pools_) sum += memory.cost;
  return sum;
}

}  // namespace troupe::autoscaler
