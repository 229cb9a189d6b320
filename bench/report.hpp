// What was measured: several samples a metric, and whether its budget holds, which is judged by the
// median of several rounds and, where it is a ratio, within one run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::bench {

struct budget {
  enum class side { at_least, at_most };
  side which = side::at_least;
  double bound = 0;
  std::string words;  // "0.5 × reference.link_batched_items_per_s"

  bool holds(double x) const { return which == side::at_least ? x >= bound : x <= bound; }
};

struct metric {
  std::string name;  // stable: "noop.tasks_per_s"
  std::vector<double> samples;
  std::vector<budget> budgets;

  double median() const;  // of an even number of samples: the mean of the two in the middle
  double least() const;
  double most() const;
  bool holds() const;  // every budget, for the median
};

class report {
 public:
  void add(const std::string& name, double sample);
  // Of a metric that was measured; ignored otherwise.
  void limit(const std::string& name, budget b);
  std::optional<double> median_of(const std::string& name) const;

  const std::vector<metric>& metrics() const { return metrics_; }
  bool holds() const;

 private:
  metric* find(const std::string& name);

  std::vector<metric> metrics_;  // in the order of measuring
};

}  // namespace troupe::bench
