// The units of a resource that are told apart, such as the GPUs 0, 1, 2. A request takes whole units
// and, for a fraction, a share of one unit: the one with the least room that suffices, so that whole
// ones stay free.
#pragma once

#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "libruntime/resources.hpp"

namespace troupe::worker {

class index_pool {
 public:
  explicit index_pool(std::uint32_t units) : free_(units, one_unit) {}

  bool can_take(amount request) const {
    auto chosen = choose(request);
    return chosen.has_value();
  }
  // The indexes taken, ascending but for the shared one, which comes last.
  // pre: can_take(request).
  std::vector<std::uint32_t> take(amount request) {
    auto chosen = choose(request).value_or(std::vector<std::uint32_t>{});
    each(chosen, request, [this](std::uint32_t i, amount a) { free_[i] -= a; });
    return chosen;
  }
  // pre: `taken` came from take(request).
  void give_back(const std::vector<std::uint32_t>& taken, amount request) {
    each(taken, request, [this](std::uint32_t i, amount a) { free_[i] += a; });
  }
  amount free() const { return std::accumulate(free_.begin(), free_.end(), amount{0}); }

 private:
  static void each(const std::vector<std::uint32_t>& chosen, amount request, auto&& f) {
    auto whole = static_cast<std::size_t>(request / one_unit);
    for (std::size_t i = 0; i < chosen.size(); ++i)
      f(chosen[i], i < whole ? one_unit : request % one_unit);
  }

  std::optional<std::vector<std::uint32_t>> choose(amount request) const {
    std::vector<std::uint32_t> out;
    auto whole = static_cast<std::size_t>(request / one_unit);
    for (std::uint32_t i = 0; i < free_.size() && out.size() < whole; ++i)
      if (free_[i] == one_unit) out.push_back(i);
    if (out.size() < whole) return std::nullopt;
    amount share = request % one_unit;
    if (share == 0) return out;
    std::optional<std::uint32_t> best;
    for (std::uint32_t i = 0; i < free_.size(); ++i) {
      if (free_[i] < share || (whole > 0 && i <= out.back() && free_[i] == one_unit)) continue;
      if (!best || free_[i] < free_[*best]) best = i;
    }
    if (!best) return std::nullopt;
    out.push_back(*best);
    return out;
  }

  std::vector<amount> free_;
};

}  // namespace troupe::worker
