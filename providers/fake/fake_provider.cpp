// See fake_provider.hpp.
#include "providers/fake/fake_provider.hpp"

#include <algorithm>
#include <memory>

namespace troupe::providers {

fake_provider::fake_provider(fake_settings settings, time_point start)
    : settings_(std::move(settings)), now_(start), rng_(settings_.seed) {}

bool fake_provider::happens(double probability) {
  return probability > 0 && std::uniform_real_distribution<double>{}(rng_) < probability;
}

duration fake_provider::between(duration low, duration high) {
  if (high <= low) return low;
  return duration{std::uniform_int_distribution<duration::rep>{low.count(), high.count()}(rng_)};
}

void fake_provider::after(duration delay, std::function<void()> what) {
  queue_.push({now_ + delay, next_number_++, std::move(what)});
}

void fake_provider::advance(time_point until) {
  while (!queue_.empty() && queue_.top().at <= until) {
    auto what = queue_.top().what;
    now_ = std::max(now_, queue_.top().at);
    queue_.pop();
    what();
  }
  now_ = std::max(now_, until);
}

std::optional<time_point> fake_provider::next_event() const {
  if (queue_.empty()) return {};
  return queue_.top().at;
}

launch_outcome fake_provider::start_one(const std::string& pool, const launch_item& item) {
  for (const auto& [id, m] : instances_)
    if (m.view.request == item.request) return {item.request, m.view};
  if (settings_.capacity && alive() >= *settings_.capacity)
    return {item.request, refuse(failure_class::no_capacity, "no capacity left")};
  if (happens(settings_.faults.launch_fails))
    return {item.request, refuse(settings_.faults.launch_failure, "injected launch failure")};
  machine m;
  m.item = item;
  m.view.id = "fake-" + std::to_string(++started_);
  m.view.request = item.request;
  m.view.pool = pool;
  m.view.state = instance_state::starting;
  m.view.host = "nowhere";
  const auto view = m.view;
  instances_.emplace(view.id, std::move(m));
  const auto boots_in = between(settings_.boot_min, settings_.boot_max);
  if (happens(settings_.faults.dies_booting))
    after(between({}, boots_in), [this, id = view.id] { end(id, "died while booting"); });
  else if (!happens(settings_.faults.never_boots))
    after(boots_in, [this, id = view.id] { boot(id); });
  return {item.request, view};
}

void fake_provider::launch(launch_request request, time_point, reply<launched> done_with) {
  ++launch_calls_;
  if (request.cluster != settings_.cluster)
    return after({}, [done_with] {
      done_with(refuse(failure_class::invalid_request, "not this provider's cluster"));
    });
  const auto delay = between(settings_.call_delay_min, settings_.call_delay_max);
  // The instances come to be at some moment of the call, the answer at its end.
  const auto acts_in = between({}, delay);
  auto act = [this, request = std::move(request), done_with = std::move(done_with),
              rest = delay - acts_in] {
    auto result = std::make_shared<launched>();
    for (const auto& item : request.items)
      result->outcomes.push_back(start_one(request.pool, item));
    if (happens(settings_.faults.never_answers)) return;
    if (happens(settings_.faults.reply_lost)) {
      after(rest, [done_with] {
        done_with(refuse(failure_class::ambiguous, "the connection broke before the answer"));
      });
      return;
    }
    after(rest, [done_with, result] { done_with(*result); });
    if (happens(settings_.faults.duplicate_reply))
      after(rest + between({}, settings_.call_delay_max),
            [done_with, result] { done_with(*result); });
  };
  after(acts_in, std::move(act));
}

void fake_provider::list(time_point, reply<std::vector<instance>> done_with) {
  const auto delay = between(settings_.call_delay_min, settings_.call_delay_max);
  const auto looks_in = between({}, delay);
  after(looks_in, [this, done_with = std::move(done_with), rest = delay - looks_in] {
    if (happens(settings_.faults.list_fails)) {
      after(rest,
            [done_with] { done_with(refuse(failure_class::transient, "injected list failure")); });
      return;
    }
    std::vector<instance> found;
    for (const auto& [id, m] : instances_)
      if (!happens(settings_.faults.list_misses)) found.push_back(m.view);
    after(rest, [done_with, found = std::move(found)] { done_with(found); });
  });
}

void fake_provider::terminate(std::vector<instance_id> ids, time_point, reply<done> done_with) {
  const auto delay = between(settings_.call_delay_min, settings_.call_delay_max);
  const bool fails = happens(settings_.faults.terminate_fails);
  // Whoever asks for it doesn't want it any more, whether this call gets through or not.
  for (const auto& id : ids)
    if (auto at = instances_.find(id); at != instances_.end()) at->second.told_to_end = true;
  after(delay, [this, ids = std::move(ids), done_with = std::move(done_with), fails] {
    if (fails) return done_with(refuse(failure_class::transient, "injected terminate failure"));
    for (const auto& id : ids) {
      auto at = instances_.find(id);
      if (at == instances_.end()) continue;
      at->second.view.state = instance_state::stopping;
      after(settings_.stop_delay, [this, id] { end(id, "terminated"); });
    }
    done_with(done{});
  });
}

void fake_provider::boot(const instance_id& id) {
  const auto at = instances_.find(id);
  if (at == instances_.end() || at->second.view.state == instance_state::stopping) return;
  at->second.view.state = instance_state::running;
  if (happens(settings_.faults.dies_later))
    after(between({}, settings_.lifetime), [this, id] { end(id, "died at work"); });
  if (on_boot_) on_boot_(launch_item(at->second.item), instance(at->second.view));
}

void fake_provider::end(const instance_id& id, std::string reason) {
  const auto at = instances_.find(id);
  if (at == instances_.end()) return;
  instance_end e;
  e.id = id;
  e.request = at->second.view.request;
  e.pool = at->second.view.pool;
  e.expected = at->second.told_to_end;
  e.reason = std::move(reason);
  instances_.erase(at);
  if (settings_.tells_ends && on_end_) on_end_(e);
}

void fake_provider::kill(const instance_id& id, std::string reason) {
  end(id, std::move(reason));
}

void fake_provider::stops_itself(const instance_id& id) {
  if (auto at = instances_.find(id); at != instances_.end()) at->second.told_to_end = true;
  after(std::chrono::milliseconds{100}, [this, id] { end(id, "its worker stopped"); });
}

instance_id fake_provider::plant(std::string pool, request_id request) {
  machine m;
  m.view.id = "fake-" + std::to_string(++started_);
  m.view.request = std::move(request);
  m.view.pool = std::move(pool);
  const auto id = m.view.id;
  instances_.emplace(id, std::move(m));
  return id;
}

std::size_t fake_provider::wanted() const {
  return static_cast<std::size_t>(
      std::count_if(instances_.begin(), instances_.end(),
                    [](const auto& entry) { return !entry.second.told_to_end; }));
}

std::vector<instance> fake_provider::instances() const {
  std::vector<instance> all;
  for (const auto& [id, m] : instances_) all.push_back(m.view);
  return all;
}

}  // namespace troupe::providers
