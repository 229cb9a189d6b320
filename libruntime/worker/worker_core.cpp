// Messages in, reports out. Which task starts next is in worker_core_placement.cpp.
#include "libruntime/worker/worker_core.hpp"

#include <algorithm>

#include "libruntime/units.hpp"

namespace troupe::worker {
namespace {

// What an item is to the size of its batch on the wire; exactness isn't needed.
std::size_t cost_of(const protocol::finished_task& item) {
  return 32 + item.result.size() +
         (item.error ? item.error->message.size() + item.error->type.size() : 0);
}

}  // namespace

worker_core::worker_core(core_settings settings) : settings_(std::move(settings)) {
  settings_.slots = std::max(settings_.slots, 1u);
  settings_.max_window = std::min(settings_.max_window, finished_mark / 4);  // numbers of records
  if (settings_.max_running == 0) settings_.max_running = settings_.slots * 4;
  if (settings_.resources.get("cpus") == 0)
    settings_.resources.set("cpus", settings_.slots * one_unit);
  for (const auto& [name, a] : settings_.resources.entries()) {
    names_.push_back(name);
    total_.push_back(a);
    bool indexed = std::find(settings_.indexed.begin(), settings_.indexed.end(), name) !=
                   settings_.indexed.end();
    pools_.push_back(indexed && a % one_unit == 0
                         ? std::optional<index_pool>{static_cast<std::uint32_t>(a / one_unit)}
                         : std::nullopt);
  }
  free_ = total_;
}

void worker_core::define(protocol::worker_template t) {
  if (t.spec.options.resources.get("cpus") == 0) t.spec.options.resources.set("cpus", one_unit);
  auto known = templates_.find(t.id);
  if (known == templates_.end() && templates_.size() >= settings_.max_templates) {
    ++stats_.stale;
    return;
  }
  if (known != templates_.end() && known->second->spec == t.spec) return;  // told again
  last_ = nullptr;
  auto entry = std::make_unique<task_template>();
  entry->spec = std::move(t.spec);
  entry->needs = compile(entry->spec.options.resources);
  const auto& spec = entry->spec;
  bool in_process = spec.kind == task_kind::call && spec.options.isolated != isolation::process;
  if (in_process && settings_.functions) entry->function = settings_.functions->find(spec.function);
  if (in_process && (paces_.size() < settings_.max_templates || paces_.contains(spec.function)))
    entry->calls = &paces_[spec.function];
  auto& place = templates_[t.id];
  if (place && place->uses > 0) {
    place->retired = true;
    auto* old = place.get();
    retired_.emplace(old, std::move(place));
  }
  place = std::move(entry);
}

void worker_core::assign(protocol::assign message) {
  draining_ = false;
  for (auto& a : message.items) assign_one(std::move(a));
}

void worker_core::assign_one(protocol::assignment&& a) {
  if (already_known(a)) return;
  if (by_task_.size() >= settings_.max_window) {
    // Even refusals are bounded: past twice the window nothing is kept of what a peer sends.
    if (by_task_.size() < std::size_t{2} * settings_.max_window)
      refuse(a, {errc::overloaded, "the worker already holds " + std::to_string(by_task_.size()) +
                                       " tasks", {}});
    else
      ++stats_.stale;
    return;
  }
  if (a.spec != last_template_ || !last_) {
    auto found = templates_.find(a.spec);
    last_ = found == templates_.end() ? nullptr : found->second.get();
    last_template_ = a.spec;
  }
  if (!last_)
    return refuse(a, {errc::protocol, "the worker was never told template " +
                                          std::to_string(a.spec.value) + " of task " +
                                          to_string(a.task), {}});
  if (!last_->needs.lacking.empty())
    return refuse(a, {errc::infeasible, "this worker has " + to_string(settings_.resources) +
                                            ", not enough " + last_->needs.lacking + " for " +
                                            to_string(last_->spec.options.resources), {}});
  auto r = new_record(a);
  auto& entry = records_[r];
  entry.what = last_;
  ++last_->uses;
  entry.exclusive = a.exclusive;
  entry.arguments = std::move(a.arguments);
  entry.inputs = std::move(a.inputs);
  enqueue(r);
  ++stats_.assigned;
}

// A repeated or older attempt is dropped. A newer one replaces an older one, unless that one runs:
// two attempts of a task never overlap here, so the newer one waits for its end.
bool worker_core::already_known(protocol::assignment& a) {
  auto r = by_task_.find(a.task);
  if (r == none) return false;
  ++stats_.stale;
  if (a.attempt <= known_attempt(r)) return true;
  if (!is_finished(r)) {
    auto& known = records_[r];
    if (known.state == record_state::running) {
      known.successor = std::make_unique<protocol::assignment>(std::move(a));
      return true;
    }
    unlink(r);
    free_record(r);
  }  // else its report stays in the outbox
  by_task_.erase(a.task);
  return false;
}

attempt_number worker_core::known_attempt(task_map::entry e) const {
  return is_finished(e) ? static_cast<attempt_number>(e & ~finished_mark) : records_[e].attempt;
}

void worker_core::refuse(const protocol::assignment& a, failure why) {
  ++stats_.refused;
  finish_unstarted(a.task, a.attempt, protocol::outcome::failed, std::move(why));
}

std::uint32_t worker_core::new_record(const protocol::assignment& a) {
  std::uint32_t r;
  if (free_records_.empty()) {
    r = static_cast<std::uint32_t>(records_.size());
    records_.emplace_back();
  } else {
    r = free_records_.back();
    free_records_.pop_back();
  }
  records_[r].task = a.task;
  records_[r].attempt = a.attempt;
  by_task_.set(a.task, r);
  return r;
}

void worker_core::let_go(record& r) {
  auto* what = std::exchange(r.what, nullptr);
  if (what && --what->uses == 0 && what->retired) retired_.erase(what);
}

void worker_core::free_record(std::uint32_t r) {
  auto& entry = records_[r];
  entry.state = record_state::free;
  entry.arguments = {};
  entry.inputs.clear();
  let_go(entry);
  free_records_.push_back(r);
}

protocol::recalled worker_core::recall(const protocol::recall& message) {
  protocol::recalled answer;
  for (const auto& item : message.items) {
    auto r = by_task_.find(item.task);
    bool known = r != none && known_attempt(r) == item.attempt;
    bool here = r != none && !is_finished(r);
    if (here && records_[r].awaits(item.attempt)) {
      records_[r].successor.reset();
      ++stats_.given_back;
      answer.items.push_back(item);
    } else if (known && here && records_[r].state == record_state::queued) {
      unlink(r);
      free_record(r);
      by_task_.erase(item.task);
      ++stats_.given_back;
      answer.items.push_back(item);
    } else {
      // Unknown means finished and acknowledged: the acknowledgement crossed the recall.
      if (!known) ++stats_.stale;
      answer.kept.push_back(item);
    }
  }
  return answer;
}

std::vector<stop_order> worker_core::cancel(const protocol::cancel_attempts& message,
                                            time_point now) {
  std::vector<stop_order> orders;
  auto why = message.reason.empty() ? std::string{"cancelled"} : message.reason;
  for (const auto& item : message.items) {
    auto r = by_task_.find(item.task);
    bool here = r != none && !is_finished(r);
    if (here && records_[r].awaits(item.attempt)) {
      records_[r].successor.reset();
      report({item.task, item.attempt, protocol::outcome::cancelled, {}, {},
              failure{errc::cancelled, why, {}}});
    } else if (!here || records_[r].attempt != item.attempt) {
      ++stats_.stale;
    } else if (records_[r].state == record_state::queued) {
      unlink(r);
      free_record(r);
      finish_unstarted(item.task, item.attempt, protocol::outcome::cancelled,
                       {errc::cancelled, why, {}});
    } else {
      for (ticket t = 0; t < executions_.size(); ++t) {
        auto& e = executions_[t];
        if (e.record != r || e.why != stop_reason::none) continue;
        ask_to_stop(e, stop_reason::cancelled, why, now);
        orders.push_back({t, stop_reason::cancelled});
      }
    }
  }
  return orders;
}

void worker_core::finish_unstarted(task_id task, attempt_number attempt, protocol::outcome how,
                                   failure why) {
  by_task_.set(task, finished_entry(attempt));
  report({task, attempt, how, {}, {}, std::move(why)});
}

void worker_core::finish(ticket t, result<value> outcome, time_point now) {
  auto& e = executions_[t];
  auto r = e.record;
  auto& entry = records_[r];
  auto item = judge(e, std::move(outcome), now);
  if (entry.what->calls) entry.what->calls->note(now - e.started_at, settings_.short_call);
  give_back(entry.what->needs, e);
  if (entry.exclusive) exclusive_runs_ = false;
  --running_count_;
  e.record = none;
  free_tickets_.push_back(t);
  auto successor = std::move(entry.successor);
  if (item) {
    by_task_.set(entry.task, finished_entry(entry.attempt));
    report(std::move(*item));
  } else {
    ++stats_.given_back;
    by_task_.erase(entry.task);
  }
  free_record(r);
  if (successor) assign_one(std::move(*successor));
}

std::optional<protocol::finished_task> worker_core::judge(const execution& e, result<value>&& outcome,
                                                          time_point now) const {
  const auto& entry = records_[e.record];
  protocol::finished_task item{entry.task, entry.attempt, protocol::outcome::succeeded,
                               now - e.started_at, {}, {}};
  if (e.why == stop_reason::timed_out) {
    item.outcome = protocol::outcome::failed;
    item.error = failure{errc::timed_out,
                         "ran longer than its time limit of " +
                             format_duration(entry.what->spec.options.timeout), {}};
  } else if (outcome) {
    item.result = std::move(*outcome);
  } else if (e.why == stop_reason::cancelled) {
    item.outcome = protocol::outcome::cancelled;
    item.error = failure{errc::cancelled, e.why_text, {}};
  } else if (e.why == stop_reason::draining) {
    return std::nullopt;
  } else {
    item.outcome = protocol::outcome::failed;
    item.error = std::move(outcome.error());
  }
  return item;
}

void worker_core::report(protocol::finished_task&& item) {
  auto cost = cost_of(item);
  bool open = handed_out_ < outbox_.size();
  if (!open || outbox_.back()->items.size() >= settings_.batch_items ||
      open_bytes_ + cost > settings_.batch_bytes) {
    auto batch = std::make_shared<protocol::finished>();
    batch->number = next_number_++;
    batch->items.reserve(usual_items_);
    outbox_.push_back(std::move(batch));
    open_bytes_ = 0;
  }
  open_bytes_ += cost;
  outbox_.back()->items.push_back(std::move(item));
  ++stats_.finished;
}

std::vector<finished_batch> worker_core::take_finished() {
  std::vector<finished_batch> out{outbox_.begin() + static_cast<std::ptrdiff_t>(handed_out_),
                                  outbox_.end()};
  handed_out_ = outbox_.size();
  if (!out.empty()) usual_items_ = out.back()->items.size();
  return out;
}

std::vector<finished_batch> worker_core::unacknowledged() const {
  return {outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(handed_out_)};
}

void worker_core::acknowledge(std::uint64_t number) {
  bool any = false;
  while (handed_out_ > 0 && outbox_.front()->number <= number) {
    for (const auto& item : outbox_.front()->items)
      if (by_task_.find(item.task) == finished_entry(item.attempt))  // no newer attempt came
        by_task_.erase(item.task);
    outbox_.pop_front();
    --handed_out_;
    any = true;
  }
  if (!any) ++stats_.stale;
}

std::vector<protocol::held_task> worker_core::held() const {
  std::vector<protocol::held_task> out;
  out.reserve(by_task_.size());
  for (const auto& entry : records_)
    if (entry.state != record_state::free)
      out.push_back({entry.task, entry.attempt, entry.state != record_state::queued});
  for (const auto& batch : outbox_)
    for (const auto& item : batch->items)
      if (by_task_.find(item.task) == finished_entry(item.attempt))
        out.push_back({item.task, item.attempt, true});
  return out;
}

}  // namespace troupe::worker
