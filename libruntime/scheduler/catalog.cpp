#include "libruntime/scheduler/catalog.hpp"

#include <algorithm>

namespace troupe::scheduler {
namespace {

// Durations of functions that no job uses at the moment are worth keeping, but not without bound:
// commands make new keys for ever.
constexpr std::size_t kept_functions = 4096;

constexpr double newest_weight = 0.1;
// A run that is shorter may have been interrupted, and says at most so many times as much as those
// before it did: a function that really has become slow is known as such after a few dozen runs. A longer
// one is believed at once.
constexpr double most_growth = 4;
constexpr double longest_pause = 20e6;    // ns
constexpr double always_possible = 1000;  // ns
// Long runs among short ones are a part of the work, however they came about: the usual duration is no
// less than this part of the mean.
constexpr std::int64_t least_share = 16;

class hasher {
 public:
  void add(std::string_view text) {
    add_number(text.size());
    for (unsigned char c : text) state_ = (state_ ^ c) * prime;
  }
  void add_number(std::uint64_t n) {
    for (int i = 0; i < 8; ++i) state_ = (state_ ^ ((n >> (8 * i)) & 0xff)) * prime;
  }
  std::uint64_t value() const { return state_; }

 private:
  static constexpr std::uint64_t prime = 1099511628211u;  // FNV-1a
  std::uint64_t state_ = 14695981039346656037u;
};

// Only a part of the spec: equality decides, the hash only has to spread.
std::uint64_t hash_of(const task_spec& spec) {
  hasher h;
  h.add(spec.function);
  for (const auto& arg : spec.command.argv) h.add(arg);
  for (const auto& [name, text] : spec.command.env) h.add(name), h.add(text);
  h.add(spec.command.cwd);
  h.add(spec.options.pool);
  for (const auto& [name, amount] : spec.options.resources.entries())
    h.add(name), h.add_number(static_cast<std::uint64_t>(amount));
  h.add_number(static_cast<std::uint64_t>(spec.options.priority));
  h.add_number(spec.options.retries);
  h.add_number(static_cast<std::uint64_t>(spec.options.timeout.count()));
  return h.value();
}

}  // namespace

std::uint32_t catalog::intern_template(const task_spec& spec) {
  auto hash = hash_of(spec);
  auto [begin, end] = template_by_hash_.equal_range(hash);
  for (auto i = begin; i != end; ++i) {
    auto& known = templates_[i->second];
    if (known.spec == spec) return ++known.refs, i->second;
  }
  std::uint32_t index;
  if (free_templates_.empty()) {
    index = static_cast<std::uint32_t>(templates_.size());
    templates_.emplace_back();
  } else {
    index = free_templates_.back();
    free_templates_.pop_back();
  }
  auto class_index = intern_class(spec);
  auto& entry = templates_[index];
  entry.spec = spec;
  entry.class_index = class_index;
  entry.refs = 1;
  ++entry.version;
  template_by_hash_.emplace(hash, index);
  return index;
}

std::uint32_t catalog::release_template(std::uint32_t index) {
  auto& entry = templates_[index];
  if (--entry.refs != 0) return UINT32_MAX;
  auto [begin, end] = template_by_hash_.equal_range(hash_of(entry.spec));
  for (auto i = begin; i != end; ++i) {
    if (i->second != index) continue;
    template_by_hash_.erase(i);
    break;
  }
  entry.spec = {};
  free_templates_.push_back(index);

  auto class_index = entry.class_index;
  auto& c = classes_[class_index];
  if (--c.refs != 0) return UINT32_MAX;
  class_by_key_.erase({c.shape, c.function, c.call});
  --shapes_[c.shape].refs;
  --functions_[c.function].refs;
  return class_index;
}

std::uint32_t catalog::intern_class(const task_spec& spec) {
  auto shape_index = intern_shape(spec.options);
  auto function = intern_function(function_key(spec));
  bool call = spec.kind == task_kind::call;
  auto [found, added] = class_by_key_.try_emplace({shape_index, function, call}, 0);
  if (added) {
    auto free = std::find_if(classes_.begin(), classes_.end(),
                             [](const task_class& c) { return c.refs == 0; });
    if (free == classes_.end()) free = classes_.insert(classes_.end(), task_class{});
    *free = task_class{};
    free->shape = shape_index;
    free->function = function;
    free->call = call;
    ++shapes_[shape_index].refs;
    ++functions_[function].refs;
    found->second = static_cast<std::uint32_t>(free - classes_.begin());
  }
  auto& c = classes_[found->second];
  ++c.refs;
  if (spec.options.expected > duration::zero()) c.hint = spec.options.expected;
  return found->second;
}

std::uint32_t catalog::intern_shape(const task_options& options) {
  shape wanted{options.resources, options.pool};
  if (wanted.resources.get("cpus") == 0) wanted.resources.set("cpus", one_unit);
  std::size_t free = shapes_.size();
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    if (shapes_[i].what == wanted) return static_cast<std::uint32_t>(i);
    if (shapes_[i].refs == 0) free = i;
  }
  if (free == shapes_.size()) shapes_.emplace_back();
  shapes_[free] = {std::move(wanted), 0};
  return static_cast<std::uint32_t>(free);
}

std::uint32_t catalog::intern_function(const std::string& key) {
  if (auto known = function_by_key_.find(key); known != function_by_key_.end())
    return known->second;
  if (function_by_key_.size() >= kept_functions) forget_old_functions();
  std::uint32_t index;
  if (free_functions_.empty()) {
    index = static_cast<std::uint32_t>(functions_.size());
    functions_.emplace_back();
  } else {
    index = free_functions_.back();
    free_functions_.pop_back();
  }
  functions_[index] = {};
  functions_[index].key = key;
  function_by_key_.emplace(key, index);
  return index;
}

void catalog::forget_old_functions() {
  if (!free_functions_.empty()) return;
  for (std::uint32_t i = 0; i < functions_.size(); ++i) {
    if (functions_[i].refs != 0) continue;
    function_by_key_.erase(functions_[i].key);
    free_functions_.push_back(i);
  }
}

void catalog::measure(task_class& c, duration run_time) {
  auto& f = functions_[c.function];
  auto ns = static_cast<double>(run_time.count());
  f.mean_ns = f.measured ? f.mean_ns + newest_weight * (ns - f.mean_ns) : ns;
  auto counted = ns;
  if (ns < longest_pause)
    counted = std::min(ns, std::max(f.usual_ns * most_growth, always_possible));
  f.usual_ns = f.measured ? f.usual_ns + newest_weight * (counted - f.usual_ns) : ns;
  f.measured = true;
  auto rounded = [](double d) { return std::max(duration{static_cast<duration::rep>(d)}, duration{1}); };
  f.expected = rounded(f.mean_ns);
  f.usual = std::max(rounded(f.usual_ns), f.expected / least_share);
  f.view.run_time.observe(run_time);
}

std::vector<function_view> catalog::function_views() const {
  std::vector<function_view> out;
  for (const auto& [key, index] : function_by_key_) {
    out.push_back(functions_[index].view);
    out.back().name = key;
  }
  return out;
}

duration catalog::hinted(const task_class& c) const {
  return std::max(c.hint > duration::zero() ? c.hint : default_duration_, duration{1});
}

std::vector<shape> catalog::dense_shapes(std::vector<std::size_t>& position) const {
  std::vector<shape> out;
  position.assign(shapes_.size(), 0);
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    position[i] = out.size();
    if (shapes_[i].refs != 0) out.push_back(shapes_[i].what);
  }
  return out;
}

}  // namespace troupe::scheduler
