// Refusing at submission what can never run: a function that no pool can know, a resource that no
// pool could have, a pool that isn't there. Where something isn't known yet, tasks are taken and
// wait; `why` then says what for.
#include <algorithm>
#include <numeric>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t k = 1; k <= b.size(); ++k) {
      auto best = std::min({row[k] + 1, row[k - 1] + 1, diagonal + (a[i - 1] != b[k - 1])});
      diagonal = std::exchange(row[k], best);
    }
  }
  return row.back();
}

// ": did you mean "x" or "y"?", or nothing if no candidate is near.
std::string nearest(std::string_view wanted, const std::set<std::string>& candidates) {
  std::vector<std::pair<std::size_t, std::string>> near;
  constexpr std::size_t looked_at = 1000, longest = 200;
  std::size_t n = 0;
  for (const auto& c : candidates) {
    if (++n > looked_at) break;
    if (c.size() > longest || wanted.size() > longest) continue;
    auto d = distance(wanted, c);
    if (d <= std::max<std::size_t>(2, wanted.size() / 3)) near.emplace_back(d, c);
  }
  std::sort(near.begin(), near.end());
  if (near.size() > 3) near.resize(3);
  std::string out;
  for (const auto& [d, name] : near) out += (out.empty() ? ": did you mean \"" : " or \"") + name + '"';
  return out.empty() ? out : out + '?';
}

std::string units(amount a) {
  resource_set r;
  r.set("x", a);
  return a == 0 ? "0" : to_string(r).substr(2);
}

}  // namespace

result<void> core::state::check_spec(const task_spec& spec) const {
  shape s{spec.options.resources, spec.options.pool};
  if (s.resources.get("cpus") == 0) s.resources.set("cpus", one_unit);
  if (auto fine = check_resources(s); !fine) return fine;
  return check_function(spec);
}

result<void> core::state::check_function(const task_spec& spec) const {
  if (spec.kind != task_kind::call) {
    if (spec.command.argv.empty()) return fail(errc::invalid_argument, "the command is empty");
    return {};
  }
  std::set<std::string> known;
  bool any = false;
  const auto& pool = spec.options.pool;
  for (const auto& p : pools) {
    if (!p.enabled || (!pool.empty() && p.name != pool)) continue;
    if (!p.functions_known) return {};
    any = true;
    known.insert(p.functions.begin(), p.functions.end());
  }
  if (!any) return {};
  for (const auto& k : workers.kinds())
    if (k->refs > 0 && (pool.empty() || k->pool == pool))
      known.insert(k->functions.begin(), k->functions.end());
  if (known.contains(spec.function)) return {};
  return fail(errc::unknown_function, "no pool knows a function \"" + spec.function + '"' +
                                          nearest(spec.function, known));
}

result<void> core::state::check_resources(const shape& s) const {
  if (pools.empty()) return {};
  std::set<std::string> names;
  std::vector<std::pair<std::string, const resource_set*>> offers;
  for (const auto& p : pools) {
    names.insert(p.name);
    if (!s.pool.empty() && p.name != s.pool) continue;
    if (p.worker_resources.empty() || p.worker_resources.contains(s.resources)) return {};
    offers.emplace_back(p.name, &p.worker_resources);
  }
  for (const auto& k : workers.kinds()) {
    if (k->refs == 0) continue;
    names.insert(k->pool);
    if (!s.pool.empty() && k->pool != s.pool) continue;
    if (k->total.contains(s.resources)) return {};
    offers.emplace_back(k->pool, &k->total);
  }
  if (!s.pool.empty() && !names.contains(s.pool))
    return fail(errc::not_found, "there is no pool \"" + s.pool + '"' + nearest(s.pool, names));
  // Name the resource that nobody has enough of; there may be none, if no offer has all at once.
  for (const auto& [name, wanted] : s.resources.entries()) {
    amount most = 0;
    std::string where;
    for (const auto& [pool, r] : offers) {
      if (r->get(name) < most || (r->get(name) == most && !where.empty())) continue;
      most = r->get(name);
      where = pool;
    }
    if (most >= wanted) continue;
    auto text = "no pool could ever offer " + name + '=' + units(wanted);
    text += most == 0 ? ": none has any " + name
                      : ": the most is " + name + '=' + units(most) + ", of pool \"" + where + '"';
    return fail(errc::infeasible, text);
  }
  return fail(errc::infeasible, "no pool has all of " + to_string(s.resources) + " on one worker");
}

// The enabled pools whose workers could run tasks of this class, as far as is known.
std::vector<const pool_offer*> core::state::pools_for(const task_class& c) const {
  std::vector<const pool_offer*> out;
  const auto& s = kinds.shape_of(c);
  const auto& function = kinds.function_of(c).key;
  for (const auto& p : pools) {
    if (!p.enabled || (!s.pool.empty() && p.name != s.pool)) continue;
    if (!p.worker_resources.empty() && !p.worker_resources.contains(s.resources)) continue;
    bool knows = !c.call || !p.functions_known ||
                 std::find(p.functions.begin(), p.functions.end(), function) != p.functions.end();
    if (knows) out.push_back(&p);
  }
  return out;
}

}  // namespace troupe::scheduler
