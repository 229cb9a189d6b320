#include "bench/report.hpp"

#include <algorithm>

namespace troupe::bench {

double metric::median() const {
  if (samples.empty()) return 0;
  auto sorted = samples;
  std::sort(sorted.begin(), sorted.end());
  auto middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double metric::least() const { return *std::min_element(samples.begin(), samples.end()); }
double metric::most() const { return *std::max_element(samples.begin(), samples.end()); }

bool metric::holds() const {
  return std::all_of(budgets.begin(), budgets.end(),
                     [x = median()](const budget& b) { return b.holds(x); });
}

metric* report::find(const std::string& name) {
  auto i = std::find_if(metrics_.begin(), metrics_.end(),
                        [&](const metric& m) { return m.name == name; });
  return i == metrics_.end() ? nullptr : &*i;
}

void report::add(const std::string& name, double sample) {
  auto* m = find(name);
  if (!m) m = &metrics_.emplace_back(metric{name, {}, {}});
  m->samples.push_back(sample);
}

void report::limit(const std::string& name, budget b) {
  if (auto* m = find(name)) m->budgets.push_back(std::move(b));
}

std::optional<double> report::median_of(const std::string& name) const {
  for (const auto& m : metrics_)
    if (m.name == name) return m.median();
  return std::nullopt;
}

bool report::holds() const {
  return std::all_of(metrics_.begin(), metrics_.end(), [](const metric& m) { return m.holds(); });
}

}  // namespace troupe::bench
