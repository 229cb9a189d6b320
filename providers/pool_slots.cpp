// See pool_slots.hpp.
#include "providers/pool_slots.hpp"

#include <stdexcept>

namespace troupe::providers {

namespace {

constexpr std::size_t index(launch_phase p) {
  return static_cast<std::size_t>(p);
}

// From the row to the column; requested, unknown, booting, registered, draining, terminating.
// Back from terminating: a launch that was called off is wanted again before it was answered.
// Back from draining: the worker is taken back.
constexpr bool transitions[launch_phase_count][launch_phase_count] = {
    {false, true, true, true, false, true},     // requested
    {false, false, true, true, false, true},    // unknown
    {false, false, false, true, false, true},   // booting
    {false, false, false, false, true, true},   // registered
    {false, false, false, true, false, true},   // draining
    {true, false, false, false, false, false},  // terminating
};

template <class Index, class Key>
slot* find(std::map<slot_number, slot>& slots, Index& index, const Key& key) {
  const auto at = index.find(key);
  return at == index.end() ? nullptr : &slots.at(at->second);
}

}  // namespace

std::string_view to_string(launch_phase p) {
  switch (p) {
    case launch_phase::requested:
      return "requested";
    case launch_phase::unknown:
      return "unknown";
    case launch_phase::booting:
      return "booting";
    case launch_phase::registered:
      return "registered";
    case launch_phase::draining:
      return "draining";
    case launch_phase::terminating:
      return "terminating";
  }
  return "unknown";
}

bool is_legal(launch_phase from, launch_phase to) {
  return transitions[index(from)][index(to)];
}

void pool_slots::count(const slot& s, int sign) {
  counts_[index(s.phase)] += static_cast<std::uint32_t>(sign);
  if (s.phase == launch_phase::terminating && s.instance.empty())
    unseen_ += static_cast<std::uint32_t>(sign);
}

slot& pool_slots::add(request_id request, launch_phase phase, time_point now) {
  slot s;
  s.number = next_++;
  s.request = std::move(request);
  s.phase = phase;
  s.launched_at = s.since = s.known_at = now;
  requests_[s.request] = s.number;
  count(s, 1);
  return slots_.emplace(s.number, std::move(s)).first->second;
}

void pool_slots::erase(slot& s) {
  set_deadline(s, {});
  set_worker(s, {});
  count(s, -1);
  requests_.erase(s.request);
  if (!s.instance.empty()) instances_.erase(s.instance);
  slots_.erase(s.number);
}

slot* pool_slots::by_request(const request_id& request) {
  return find(slots_, requests_, request);
}
slot* pool_slots::by_instance(const instance_id& id) {
  return find(slots_, instances_, id);
}
slot* pool_slots::by_worker(worker_id worker) {
  return find(slots_, workers_, worker);
}

void pool_slots::move(slot& s, launch_phase to, time_point now) {
  if (!is_legal(s.phase, to))
    throw std::logic_error("launch " + s.request + " can't go from " +
                           std::string(to_string(s.phase)) + " to " + std::string(to_string(to)));
  count(s, -1);
  s.phase = to;
  s.since = now;
  count(s, 1);
}

void pool_slots::set_instance(slot& s, instance_id instance, time_point now) {
  if (s.instance == instance) return;
  count(s, -1);
  if (!s.instance.empty()) instances_.erase(s.instance);
  s.instance = std::move(instance);
  s.known_at = now;
  s.missing = 0;
  instances_[s.instance] = s.number;
  count(s, 1);
}

void pool_slots::set_worker(slot& s, worker_id worker) {
  if (s.worker) workers_.erase(s.worker);
  s.worker = worker;
  if (worker) workers_[worker] = s.number;
}

void pool_slots::set_deadline(slot& s, std::optional<time_point> when) {
  if (s.deadline) deadlines_.erase({*s.deadline, s.number});
  s.deadline = when;
  if (when) deadlines_.insert({*when, s.number});
}

std::optional<time_point> pool_slots::next_deadline() const {
  if (deadlines_.empty()) return {};
  return deadlines_.begin()->first;
}

slot* pool_slots::due(time_point now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return nullptr;
  return &slots_.at(deadlines_.begin()->second);
}

void pool_slots::check_invariants() const {
  auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::logic_error("pool slots: " + what);
  };
  std::array<std::uint32_t, launch_phase_count> counts{};
  std::uint32_t unseen = 0;
  std::size_t instances = 0, workers = 0, deadlines = 0;
  for (const auto& [number, s] : slots_) {
    ++counts[index(s.phase)];
    unseen += s.phase == launch_phase::terminating && s.instance.empty();
    require(s.number == number && requests_.at(s.request) == number,
            "request index of " + s.request);
    if (!s.instance.empty()) {
      require(instances_.at(s.instance) == number, "instance index of " + s.request);
      ++instances;
    }
    if (s.worker) {
      require(workers_.at(s.worker) == number, "worker index of " + s.request);
      ++workers;
    }
    if (s.deadline) {
      require(deadlines_.count({*s.deadline, number}) == 1, "deadline of " + s.request);
      ++deadlines;
    }
    require(s.phase == launch_phase::registered || s.deadline.has_value(),
            s.request + " waits without a deadline");
    require(s.phase != launch_phase::registered || s.worker, s.request + " has no worker");
  }
  require(counts == counts_ && unseen == unseen_, "counts by phase");
  require(requests_.size() == slots_.size() && instances_.size() == instances &&
              workers_.size() == workers && deadlines_.size() == deadlines,
          "an index has entries of launches that are over");
}

}  // namespace troupe::providers
