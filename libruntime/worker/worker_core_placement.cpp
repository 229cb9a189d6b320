// Resources, the order of the queue, and the life of a running task.
#include <algorithm>

#include "libruntime/worker/worker_core.hpp"

namespace troupe::worker {

// ---- resources --------------------------------------------------------------------------------

std::uint32_t worker_core::number_of(std::string_view resource) const {
  auto i = std::find(names_.begin(), names_.end(), resource);
  return i == names_.end() ? none : static_cast<std::uint32_t>(i - names_.begin());
}

worker_core::request worker_core::compile(const resource_set& asked) const {
  request out;
  out.lacking = settings_.resources.missing(asked);
  if (!out.lacking.empty()) return out;
  for (const auto& [name, a] : asked.entries()) {
    auto n = number_of(name);
    out.amounts.emplace_back(n, a);
    out.indexes = out.indexes || pools_[n].has_value();
    // A share that spans more than the units there are never fits: 1.5 of 2 units is fine, but
    // 0.5 + 0.5 of different units isn't one.
    if (pools_[n] && !index_pool{static_cast<std::uint32_t>(total_[n] / one_unit)}.can_take(a))
      out.lacking = name;
  }
  // Without indexes every task of the request holds the same: one object serves all.
  out.plain.amounts = asked;
  return out;
}

bool worker_core::fits(const request& r, const std::vector<amount>& available) const {
  for (auto [n, a] : r.amounts) {
    if (available[n] < a) return false;
    if (pools_[n] && !pools_[n]->can_take(a)) return false;
  }
  return true;
}

const assigned_resources* worker_core::take(const request& r, execution& e) {
  for (auto [n, a] : r.amounts) free_[n] -= a;
  if (!r.indexes) return &r.plain;
  auto own = std::make_unique<assigned_resources>(r.plain);
  for (auto [n, a] : r.amounts)
    if (pools_[n]) own->indexes[names_[n]] = pools_[n]->take(a);
  e.indexed = std::move(own);
  return e.indexed.get();
}

void worker_core::give_back(const request& r, execution& e) {
  for (auto [n, a] : r.amounts) {
    free_[n] += a;
    if (pools_[n]) pools_[n]->give_back(e.indexed->indexes.find(names_[n])->second, a);
  }
  e.indexed.reset();
}

// ---- the queue --------------------------------------------------------------------------------

// Lanes that have run empty are used again, so that there are never more than were needed at once.
std::uint32_t worker_core::lane_for(const task_template& t, bool exclusive) {
  auto priority = t.spec.options.priority;
  std::uint32_t empty = none;
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    auto& l = lanes_[i];
    if (l.priority == priority && l.exclusive == exclusive &&
        l.needs.amounts == t.needs.amounts)
      return i;
    if (l.first == none) empty = i;
  }
  if (empty == none) {
    empty = static_cast<std::uint32_t>(lanes_.size());
    lanes_.emplace_back();
  }
  lanes_[empty] = {priority, exclusive, t.needs, none, none};
  return empty;
}

void worker_core::enqueue(std::uint32_t r) {
  auto& entry = records_[r];
  entry.lane = lane_for(*entry.what, entry.exclusive);
  auto& l = lanes_[entry.lane];
  entry.state = record_state::queued;
  entry.arrival = arrivals_++;
  entry.previous = l.last;
  entry.next = none;
  (l.last == none ? l.first : records_[l.last].next) = r;
  l.last = r;
  ++queued_count_;
}

void worker_core::unlink(std::uint32_t r) {
  auto& entry = records_[r];
  auto& l = lanes_[entry.lane];
  (entry.previous == none ? l.first : records_[entry.previous].next) = entry.next;
  (entry.next == none ? l.last : records_[entry.next].previous) = entry.previous;
  entry.previous = entry.next = none;
  --queued_count_;
}

bool worker_core::before(const lane& a, const lane& b) const {
  if (a.priority != b.priority) return a.priority > b.priority;
  return records_[a.first].arrival < records_[b.first].arrival;
}

std::uint32_t worker_core::choose() const {
  if (queued_count_ == 0 || draining_ || paused_ || exclusive_runs_ ||
      running_count_ >= settings_.max_running)
    return none;
  const lane* only = nullptr;
  for (const auto& l : lanes_) {
    if (l.first == none) continue;
    if (only) return choose_among_lanes();
    only = &l;
  }
  if (only->exclusive && running_count_ > 0) return none;
  return fits(only->needs, free_) ? only->first : none;
}

std::uint32_t worker_core::choose_among_lanes() const {
  order_.clear();
  for (std::uint32_t i = 0; i < lanes_.size(); ++i)
    if (lanes_[i].first != none) order_.push_back(i);
  std::sort(order_.begin(), order_.end(),
            [this](auto a, auto b) { return before(lanes_[a], lanes_[b]); });
  auto available = free_;
  auto cpus = number_of("cpus");
  for (auto i : order_) {
    const auto& l = lanes_[i];
    if (l.exclusive) return running_count_ == 0 ? l.first : none;  // it waits, all behind it wait
    if (fits(l.needs, available)) return l.first;
    // What this one waits for is kept from those behind it; but cpus only if it is cpus that it
    // lacks, so that a task waiting for a GPU doesn't idle a core.
    for (auto [n, a] : l.needs.amounts)
      if (n != cpus || available[n] < a) available[n] = std::max<amount>(0, available[n] - a);
  }
  return none;
}

worker_core::upcoming worker_core::look_ahead() const {
  auto r = choose();
  if (r == none) return upcoming::nothing;
  return is_short(r) ? upcoming::short_call : upcoming::other;
}

bool worker_core::is_short(std::uint32_t r) const {
  const auto* calls = records_[r].what->calls;
  return calls && calls->is_short();
}

// ---- running ----------------------------------------------------------------------------------

std::optional<start_order> worker_core::next(time_point now) {
  auto r = choose();
  if (r == none) return std::nullopt;
  unlink(r);
  return start(r, now);
}

std::optional<start_order> worker_core::next_short(time_point now) {
  auto r = choose();
  if (r == none || !is_short(r)) return std::nullopt;
  unlink(r);
  auto order = start(r, now);
  executions_[order.ticket].brief = true;
  return order;
}

void worker_core::turned_out_long(ticket t) {
  auto& e = executions_[t];
  e.brief = false;
  if (auto* calls = records_[e.record].what->calls) calls->forget();
}

start_order worker_core::start(std::uint32_t r, time_point now) {
  auto& entry = records_[r];
  const auto& spec = entry.what->spec;
  ticket t;
  if (free_tickets_.empty()) {
    t = static_cast<ticket>(executions_.size());
    executions_.emplace_back();
  } else {
    t = free_tickets_.back();
    free_tickets_.pop_back();
  }
  auto& e = executions_[t];
  e.record = r;
  e.started_at = now;
  auto limit = spec.options.timeout;
  bool limited = limit > duration::zero() && limit < time_point::max() - now;
  e.deadline = limited ? now + limit : time_point::max();
  e.stuck_at = time_point::max();
  e.why = stop_reason::none;
  e.why_text.clear();
  e.brief = e.announced = e.stuck = false;
  const auto* resources = take(entry.what->needs, e);
  entry.state = record_state::running;
  exclusive_runs_ = entry.exclusive;
  ++running_count_;
  return {t, entry.task, entry.attempt, &spec, entry.what->function, std::move(entry.arguments),
          std::move(entry.inputs), resources};
}

void worker_core::ask_to_stop(execution& e, stop_reason why, std::string text, time_point now) {
  const auto& spec = records_[e.record].what->spec;
  bool process = spec.kind == task_kind::exec || spec.options.isolated == isolation::process;
  e.why = why;
  e.why_text = std::move(text);
  e.stuck_at = now + settings_.cancel_grace * (process ? 2 : 1);
}

std::vector<stop_order> worker_core::stop_running(stop_reason why, time_point now) {
  std::vector<stop_order> orders;
  for (ticket t = 0; t < executions_.size(); ++t) {
    auto& e = executions_[t];
    if (e.record == none || e.why != stop_reason::none) continue;
    ask_to_stop(e, why, std::string{to_string(why)}, now);
    orders.push_back({t, why});
  }
  return orders;
}

tick_result worker_core::tick(time_point now) {
  tick_result out;
  for (ticket t = 0; t < executions_.size(); ++t) {
    auto& e = executions_[t];
    if (e.record == none) continue;
    const auto& entry = records_[e.record];
    protocol::attempt_reference name{entry.task, entry.attempt};
    if (!e.announced && now >= e.started_at + settings_.started_after) {
      e.announced = true;
      out.started.push_back(name);
    }
    if (e.why == stop_reason::none && now >= e.deadline) {
      ask_to_stop(e, stop_reason::timed_out, {}, now);
      out.stop.push_back({t, stop_reason::timed_out});
    } else if (!e.stuck && now >= e.stuck_at) {
      e.stuck = true;
      out.stuck.push_back(name);
    }
  }
  return out;
}

std::optional<time_point> worker_core::next_tick() const {
  auto soonest = time_point::max();
  for (const auto& e : executions_) {
    if (e.record == none) continue;
    if (!e.announced && !e.brief) soonest = std::min(soonest, e.started_at + settings_.started_after);
    if (e.why == stop_reason::none)
      soonest = std::min(soonest, e.deadline);
    else if (!e.stuck)
      soonest = std::min(soonest, e.stuck_at);
  }
  if (soonest == time_point::max()) return std::nullopt;
  return soonest;
}

}  // namespace troupe::worker
