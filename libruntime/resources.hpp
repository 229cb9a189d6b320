// Amounts of named resources: what a worker has and what a task asks for. `cpus` is a resource like
// any other: a worker's slots are its cpus, and a task asks for 1 unless it says otherwise.
//
// Amounts are fixed-point thousandths, so that 0.1 ten times is 1 and sums never drift.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libruntime/failure.hpp"

namespace troupe {

using amount = std::int64_t;  // thousandths
inline constexpr amount one_unit = 1000;

class resource_set {
 public:
  resource_set() = default;
  resource_set(std::initializer_list<std::pair<std::string, double>> amounts);

  // "GPU=1,licence=0.5" → {GPU: 1000, licence: 500}. Refuses negative and unparsable amounts.
  static result<resource_set> parse(std::string_view text);

  void set(std::string_view name, amount a);  // 0 removes the entry
  amount get(std::string_view name) const;    // 0 when absent
  bool empty() const { return entries_.empty(); }
  // Sorted by name, no zero amounts.
  const std::vector<std::pair<std::string, amount>>& entries() const { return entries_; }

  bool contains(const resource_set& request) const;  // every amount asked for is there
  // The first resource of `request` that this set is too small for, "" if none.
  std::string missing(const resource_set& request) const;
  void add(const resource_set& other);
  void subtract(const resource_set& other);  // pre: contains(other)
  // How often `request` fits in at once; an empty request fits "unlimited" times: INT64_MAX.
  std::int64_t times(const resource_set& request) const;

  auto fields() { return std::tie(entries_); }
  auto fields() const { return std::tie(entries_); }
  friend bool operator==(const resource_set&, const resource_set&) = default;

 private:
  std::vector<std::pair<std::string, amount>> entries_;
};

std::string to_string(const resource_set& r);  // "cpus=1,GPU=0.5"

}  // namespace troupe
