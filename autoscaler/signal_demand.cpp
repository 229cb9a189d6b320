// See signal_demand.hpp.
#include "autoscaler/signal_demand.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troupe::autoscaler {

namespace {

constexpr double most_workers = 1e6;

const pool_facts* facts_of(const std::vector<pool_facts>& all, const std::string& name) {
  for (const auto& f : all)
    if (f.policy->name == name) return &f;
  return nullptr;
}

bool is_plain(const pool_policy& p) {
  return std::all_of(p.worker.entries().begin(), p.worker.entries().end(),
                     [](const auto& e) { return e.first == "cpus" || e.first == "memory"; });
}

std::vector<std::string> pools_of(const signal_settings& s, const std::vector<pool_facts>& all) {
  std::vector<std::string> named, plain, every;
  for (const auto& f : all) {
    const auto& name = f.policy->name;
    if (std::find(s.pools.begin(), s.pools.end(), name) != s.pools.end()) named.push_back(name);
    if (is_plain(*f.policy)) plain.push_back(name);
    every.push_back(name);
  }
  if (!s.pools.empty()) return named;
  return plain.empty() ? every : plain;
}

// One signal at one moment: everything that turns its number into workers.
class signal_reading_now {
 public:
  signal_reading_now(time_point now, const load_snapshot& load, const std::vector<pool_facts>& all,
                     const history& past, const signal_settings& s)
      : now_(now), load_(load), all_(all), past_(past), s_(s), pools_(pools_of(s, all)) {}

  signal_record run(signal_memory& m, const surroundings& around) {
    m.served.add(now_, served(), wait_window::length, duration{});
    const auto r = reading(around);
    signal_record out;
    out.name = s_.name;
    out.pools = pools_;
    out.target = s_.target;
    if (r.value)
      take_good(r, m, out);
    else
      take_none(r, m, out);
    if (m.read_at) {
      out.value = m.value;
      out.age = now_ - *m.read_at;
    }
    return out;
  }

 private:
  bool ours(const std::vector<std::string>& names) const {
    return std::any_of(names.begin(), names.end(), [&](const auto& n) { return ours(n); });
  }
  bool ours(const std::string& name) const {
    return std::find(pools_.begin(), pools_.end(), name) != pools_.end();
  }

  std::uint32_t served() const {
    std::uint32_t n = 0;
    for (const auto& name : pools_) n += facts_of(all_, name)->registered;
    return n;
  }

  double number() const {
    double tasks = 0, slots = 0, running = 0;
    std::vector<std::pair<std::uint64_t, duration>> waiting;
    for (const auto& g : load_.demand) {
      if (!ours(g.pools)) continue;  // work that no pool can run asks for nothing
      tasks += static_cast<double>(g.ready + g.assigned);
      waiting.emplace_back(g.ready, now_ - g.oldest_ready);
    }
    for (const auto& w : load_.workers) {
      if (!ours(w.pool) || w.state != worker_state::ready) continue;
      slots += w.slots;
      running += w.running;
    }
    if (s_.source == signal_source::queue_depth) return tasks;
    if (s_.source == signal_source::slot_utilisation) return slots > 0 ? running / slots : 0;
    return past_.waits.p95_seconds(waiting);
  }

  // The latest reading with everything that makes it unusable said as trouble.
  signal_reading reading(const surroundings& around) const {
    if (s_.source != signal_source::prometheus)
      return {s_.name, now_, number(), signal_trouble::none, {}};
    auto at = std::find_if(around.readings.begin(), around.readings.end(),
                           [&](const auto& r) { return r.name == s_.name; });
    if (at == around.readings.end())
      return {s_.name, now_, {}, signal_trouble::unread, "not asked yet"};
    auto r = *at;
    if (!r.value) return r;
    if (!std::isfinite(*r.value)) {
      r.trouble = std::isnan(*r.value) ? signal_trouble::nan : signal_trouble::infinite;
      r.value.reset();
    } else if (now_ - r.at > s_.freshness) {
      r.trouble = signal_trouble::stale;
      r.detail = "the last answer is " +
                 format_duration(duration_cast<std::chrono::seconds>(now_ - r.at)) + " old";
      r.value.reset();
    }
    return r;
  }

  bool averages() const {
    const auto by_source =
        s_.source == signal_source::queue_depth ? signal_type::average_value : signal_type::value;
    return s_.type.value_or(by_source) == signal_type::average_value;
  }

  double tolerance() const {
    double least = 1;
    for (const auto& name : pools_)
      least = std::min(least, facts_of(all_, name)->policy->scaling.tolerance);
    return least;
  }

  // How many workers a value asks for; `read` is what there is where that is within the tolerance of it.
  void ask(double value, signal_memory& m) const {
    m.read = m.exact = 0;
    if (!(value > s_.activation) || pools_.empty()) return;
    // A number over the last minute is of the workers of the last minute.
    const bool slow = s_.source == signal_source::waiting_time_p95;
    const double base = slow && !averages() ? m.served.lowest() : served();
    const auto exact = averages() ? value / s_.target : std::max(base, 1.0) * value / s_.target;
    m.exact = static_cast<std::uint32_t>(std::clamp(std::ceil(exact - 1e-9), 1.0, most_workers));
    const bool close = base > 0 && std::abs(exact / base - 1) <= tolerance();
    m.read = close ? static_cast<std::uint32_t>(base) : m.exact;
  }

  void take_good(const signal_reading& r, signal_memory& m, signal_record& out) {
    if (m.read_at != r.at) {
      m.read_at = r.at;
      m.value = *r.value;
      ask(m.value, m);
    }
    if (m.lost_since) {
      m.fade_length = std::min(s_.hold_for, now_ - *m.lost_since);
      m.fade_from = m.counted.value_or(0);
      if (now_ - *m.lost_since >= s_.hold_for && s_.on_failure == signal_failure::at_least)
        m.fade_from = std::max(m.fade_from, s_.at_least);
      m.fade_began = now_;
      m.lost_since.reset();
    }
    out.wanted = std::max(m.read, faded(m));
    if (out.wanted > m.read) out.state = signal_state::fading;
    m.counted = out.wanted;
  }

  // In a straight line from what was held to `exact`. Not to `read`: as the size comes within the tolerance
  // that becomes the size, which is higher, and the line would turn upwards.
  std::uint32_t faded(const signal_memory& m) const {
    const auto gone = now_ - m.fade_began;
    if (m.fade_from <= m.exact || gone >= m.fade_length) return 0;
    const auto left = 1 - to_seconds(gone) / to_seconds(m.fade_length);
    return m.exact + static_cast<std::uint32_t>(std::ceil((m.fade_from - m.exact) * left - 1e-9));
  }

  void take_none(const signal_reading& r, signal_memory& m, signal_record& out) {
    out.trouble = r.trouble;
    out.detail = r.detail;
    if (!m.lost_since) m.lost_since = now_;
    const bool within = now_ - *m.lost_since < s_.hold_for;
    out.state = within ? signal_state::held : signal_state::failed;
    const auto held = m.counted.value_or(0);
    out.kept = held;
    if (within || s_.on_failure == signal_failure::hold)
      out.wanted = held;
    else if (s_.on_failure == signal_failure::at_least)
      out.wanted = s_.at_least;
  }

  const time_point now_;
  const load_snapshot& load_;
  const std::vector<pool_facts>& all_;
  const history& past_;
  const signal_settings& s_;
  const std::vector<std::string> pools_;
};

// The pool's size as far as it is known: what the queue and its limits give it, and what earlier
// signals added.
std::uint32_t has(const pool_facts& f, const pool_use& use) {
  return std::clamp(use.wanted(f.held), f.min, std::max(f.min, f.max));
}

// One signal's want of workers, spread over its pools.
class allotment {
 public:
  allotment(const signal_record& s, const std::vector<pool_facts>& all, shared_room& room,
            std::vector<pool_use>& uses)
      : s_(s), all_(all), room_(room), uses_(uses) {
    for (const auto i : filling_order(all))
      if (std::find(s.pools.begin(), s.pools.end(), all[i].policy->name) != s.pools.end() &&
          !all[i].fixed)
        order_.push_back(i);
  }

  void run() {
    keep(std::max(s_.wanted, s_.kept));
    auto missing = less(s_.wanted, sum());
    for (const auto i : order_) missing -= launch(i, missing);
    // What nobody can launch now is shown where it would be launched first.
    if (missing == 0 || order_.empty()) return;
    add(order_.front(), missing);
    if (all_[order_.front()].launchable == 0) uses_[order_.front()].blocked_for_signals += missing;
  }

 private:
  std::uint32_t sum() const {
    std::uint32_t n = 0;
    for (const auto& f : all_)
      if (std::find(s_.pools.begin(), s_.pools.end(), f.policy->name) != s_.pools.end())
        n = plus(n, has(f, uses_[static_cast<std::size_t>(&f - all_.data())]));
    return n;
  }

  void add(std::size_t i, std::uint32_t n) {
    auto& use = uses_[i];
    // Up to its minimum a pool has workers that nobody asked for: beyond them is what counts.
    use.for_signals += n + less(has(all_[i], use), use.wanted(all_[i].held));
    if (n > 0) use.signal = s_.name;
  }

  // Workers that exist, launches under way among them, satisfy it first.
  void keep(std::uint32_t wanted) {
    auto missing = less(wanted, sum());
    for (const auto i : order_) {
      const auto n =
          std::min(missing, less(std::min(all_[i].current, all_[i].max), has(all_[i], uses_[i])));
      if (n == 0) continue;
      add(i, n);
      missing -= n;
    }
  }

  std::uint32_t launch(std::size_t i, std::uint32_t missing) {
    const auto& f = all_[i];
    auto& use = uses_[i];
    const auto asked = less(has(f, use), f.current);  // of it already
    const auto own = std::min(less(f.room, asked), less(f.launchable, asked));
    const auto back = less(static_cast<std::uint32_t>(f.status->takeable.size()), asked);
    const auto price = f.policy->cost_per_hour;
    const auto fresh = std::min({less(missing, back), own, room_.fits(price)});
    const auto n = std::min(missing, back) + fresh;
    if (n == 0) return 0;
    room_.take(fresh, price);
    use.allotted += fresh;
    add(i, n);
    return n;
  }

  const signal_record& s_;
  const std::vector<pool_facts>& all_;
  shared_room& room_;
  std::vector<pool_use>& uses_;
  std::vector<std::size_t> order_;
};

}  // namespace

std::vector<signal_record> read_signals(time_point now, const load_snapshot& load,
                                        const std::vector<pool_facts>& all, history& past,
                                        const settings& s, const surroundings& around) {
  past.waits.add(now, load.wait);
  std::vector<signal_record> out;
  for (const auto& signal : s.signals) {
    auto& memory = past.signals[signal.name];
    out.push_back(signal_reading_now{now, load, all, past, signal}.run(memory, around));
  }
  return out;
}

void add_signal_demand(const std::vector<signal_record>& signals,
                       const std::vector<pool_facts>& all, shared_room& room,
                       std::vector<pool_use>& uses) {
  for (const auto& s : signals) allotment{s, all, room, uses}.run();
}

}  // namespace troupe::autoscaler
