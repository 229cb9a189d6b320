// See caps.hpp.
#include "autoscaler/caps.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "autoscaler/sizing.hpp"

namespace troupe::autoscaler {

namespace {

// Costs are sums of decimal fractions: what fits to the last cent must not fail by rounding.
constexpr double rounding = 1e-9;

double price(const pool_facts& f) {
  return f.policy->cost_per_hour;
}

void lower_max(pool_facts& f, std::uint32_t max, shared_cap why) {
  if (max >= f.max) return;
  f.max = max;
  f.min = std::min(f.min, max);
  f.capped = why;
  f.room = std::min(f.room, less(f.max, f.current + f.status->draining));
}

void stop_spending(std::vector<pool_facts>& all, const settings& s, const history& past) {
  if (!s.budget.total || past.cost() < *s.budget.total) return;
  for (auto& f : all)
    if (price(f) > 0) lower_max(f, 0, shared_cap::budget);
}

// Workers that stay after all that is known yet.
std::uint32_t staying(const pool_facts& f) {
  return std::min(f.current, f.max);
}

// By how much the pools together exceed the limits.
class excess {
 public:
  excess(const std::vector<pool_facts>& all, const settings& s) : s_(s) {
    for (const auto& f : all) {
      workers_ += staying(f);
      cost_ += staying(f) * price(f);
    }
  }

  // Takes as many from the pool's maximum as it needs, but leaves it `at_least`.
  void cut(pool_facts& f, std::uint32_t at_least) {
    const auto spare = less(staying(f), at_least);
    std::uint32_t n = 0;
    auto why = shared_cap::workers;
    if (s_.max_workers && workers_ > *s_.max_workers)
      n = static_cast<std::uint32_t>(std::min<std::uint64_t>(workers_ - *s_.max_workers, spare));
    if (s_.budget.per_hour && price(f) > 0 && cost_ > *s_.budget.per_hour + rounding) {
      const auto needed = std::ceil((cost_ - *s_.budget.per_hour) / price(f) - rounding);
      const auto for_money = static_cast<std::uint32_t>(std::min<double>(needed, spare));
      if (for_money > n) n = for_money, why = shared_cap::budget;
    }
    if (n == 0) return;
    lower_max(f, staying(f) - n, why);
    workers_ -= n;
    cost_ -= n * price(f);
  }

 private:
  const settings& s_;
  std::uint64_t workers_ = 0;
  double cost_ = 0;
};

// Those that leave already are not made up for by stopping others. Minimums go last.
void shrink_to_caps(std::vector<pool_facts>& all, const std::vector<std::size_t>& order,
                    const settings& s) {
  excess over(all, s);
  for (auto it = order.rbegin(); it != order.rend(); ++it) over.cut(all[*it], all[*it].min);
  for (auto it = order.rbegin(); it != order.rend(); ++it) over.cut(all[*it], 0);
}

}  // namespace

shared_room::shared_room(const settings& s, std::uint64_t workers, double cost_per_hour) {
  if (s.max_workers)
    workers_left_ = static_cast<std::uint32_t>(*s.max_workers -
                                               std::min<std::uint64_t>(workers, *s.max_workers));
  if (s.budget.per_hour) money_left_ = std::max(*s.budget.per_hour - cost_per_hour, 0.0);
}

std::uint32_t shared_room::fits(double cost) const {
  auto n = workers_left_.value_or(unlimited);
  if (money_left_ && cost > 0)
    n = std::min(
        n, static_cast<std::uint32_t>(std::min(std::floor(*money_left_ / cost + rounding), 4e9)));
  return n;
}

void shared_room::take(std::uint32_t n, double cost) {
  if (workers_left_) *workers_left_ -= std::min(n, *workers_left_);
  if (money_left_) *money_left_ = std::max(*money_left_ - n * cost, 0.0);
}

shared_cap shared_room::limit(double cost) const {
  if (workers_left_ == 0u) return shared_cap::workers;
  return fits(cost) == 0 ? shared_cap::budget : shared_cap::none;
}

std::vector<std::size_t> filling_order(const std::vector<pool_facts>& all) {
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto key = [&](std::size_t i) {
    return std::tuple(-static_cast<std::int64_t>(all[i].policy->priority), price(all[i]), i);
  };
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
  return order;
}

shared_room apply_caps(std::vector<pool_facts>& all, const settings& s, const history& past) {
  const auto order = filling_order(all);
  stop_spending(all, s, past);
  shrink_to_caps(all, order, s);
  std::uint64_t workers = 0;
  double cost = 0;
  for (const auto& f : all) {
    workers += f.current + f.status->draining;
    cost += (f.current + f.status->draining + f.status->terminating) * price(f);
  }
  shared_room room(s, workers, cost);
  if (!room.limited()) return room;
  for (const auto i : order) {
    auto& f = all[i];
    // Draining ones that can be taken back have their place already.
    const auto back = static_cast<std::uint32_t>(f.status->takeable.size());
    const auto wish = less(less(f.min, f.current), back);
    f.reserved = std::min(wish, room.fits(price(f)));
    room.take(f.reserved, price(f));
    if (f.reserved == wish) continue;
    f.min -= wish - f.reserved;
    f.capped = room.limit(price(f));
  }
  return room;
}

}  // namespace troupe::autoscaler
