// The session's other half: what its transport takes and brings, broken links, events.
#include <algorithm>
#include <map>

#include "api/client_session.hpp"

namespace troupe::detail {
namespace {

value events_parameters(std::uint64_t from) {
  return value::of(std::map<std::string, std::uint64_t>{{"from", from}});
}

}  // namespace

void client_session::take_outgoing(std::vector<protocol::message>& out, std::size_t budget) {
  std::lock_guard lock(mutex_);
  transport_thread_ = std::this_thread::get_id();
  queue_.take(out, budget);
  if (queue_.tasks() < unsent_limit) room_.notify_all();
}

void client_session::connected(const protocol::welcome& w) {
  std::optional<failure> restarted;
  std::uint64_t restarts = 0;
  std::function<void(const std::string&)> on_gap;
  {
    std::lock_guard lock(mutex_);
    if (epoch_ && epoch_ != w.epoch)
      restarted = failure{errc::result_lost,
                          "the head was restarted (epoch " + std::to_string(epoch_.value) + " → " +
                              std::to_string(w.epoch.value) + ") and its jobs are lost",
                          {}};
    const bool again = bool{epoch_};
    epoch_ = w.epoch;
    queue_.reconnected();
    if (restarted) {
      restarts = ++restarts_;
      if (follower_) on_gap = follower_->on_gap;
      queue_.forget_ordered();
      early_releases_.clear();
      early_cancels_.clear();
      streams_.clear();
    }
    if (again) ask_again_locked(restarted.has_value());
  }
  if (restarted) fail_jobs(*restarted, restarts);
  if (on_gap) on_gap("the head was restarted: its events are told from the first one on");
}

// The head knows a new link by a new number: it is told again what this one watches and follows.
void client_session::ask_again_locked(bool restarted) {
  std::erase_if(watches_, [&](const auto& w) {
    auto job = jobs_.find(w.first);
    return restarted || job == jobs_.end() || job->second.expired();
  });
  for (const auto& [key, parameters] : watches_)
    queue_.push_urgent(protocol::request{questions_.next_number(), "watch", parameters});
  if (!follower_) return;
  if (restarted) next_event_ = 0;
  queue_.push_urgent(
      protocol::request{questions_.next_number(), "events", events_parameters(next_event_)});
}

void client_session::broken() {
  std::vector<answer_ptr> unanswered;
  {
    std::lock_guard lock(mutex_);
    unanswered = questions_.take_if([this](std::uint64_t n) { return !queue_.holds_request(n); });
  }
  for (const auto& a : unanswered)
    a->set(fail(errc::unavailable, "the connection broke before the answer came; ask again"));
}

void client_session::fail_jobs(const failure& why, std::uint64_t opened_before) {
  std::vector<std::shared_ptr<job_handle>> jobs;
  {
    std::lock_guard lock(mutex_);
    for (auto& [key, weak] : jobs_)
      if (auto job = weak.lock(); job && job->restarts < opened_before)
        jobs.push_back(std::move(job));
  }
  for (auto& job : jobs) {
    protocol::job_refused refused{job->key, why};
    on(refused);
  }
}

void client_session::lost(const failure& why) {
  std::vector<answer_ptr> unanswered;
  {
    std::lock_guard lock(mutex_);
    if (!lost_) lost_ = why;
    unanswered = questions_.take_if([](std::uint64_t) { return true; });
    room_.notify_all();
  }
  for (const auto& a : unanswered) a->set(tl::unexpected(why));
  fail_jobs(why);
}

void client_session::received(std::vector<protocol::message>& messages) {
  for (auto& m : messages)
    std::visit(
        [this](auto& x) {
          if constexpr (requires { this->on(x); }) on(x);
        },
        m);
}

std::shared_ptr<job_handle> client_session::find_job(std::uint64_t key) {
  std::lock_guard lock(mutex_);
  auto i = jobs_.find(key);
  return i == jobs_.end() ? nullptr : i->second.lock();
}

void client_session::on(protocol::submit_credit& m) {
  {
    std::lock_guard lock(mutex_);
    queue_.credited(m);
  }
  wake();
}

void client_session::on(protocol::job_opened& m) {
  std::lock_guard lock(mutex_);
  if (auto i = jobs_.find(m.key); i != jobs_.end())
    if (auto job = i->second.lock()) job->opened(m.job);
  if (auto i = early_cancels_.find(m.key); i != early_cancels_.end()) {
    for (auto& c : i->second) {
      c.job = m.job;
      queue_.push(std::move(c));
    }
    early_cancels_.erase(i);
  }
  if (auto i = early_releases_.find(m.key); i != early_releases_.end()) {
    queue_.push(protocol::release_results{m.job, std::move(i->second)});
    early_releases_.erase(i);
  }
  if (!queue_.ordered_empty()) wake();
}

void client_session::on(protocol::job_refused& m) {
  auto job = find_job(m.key);
  due_callbacks due;
  if (job) job->refuse(m.why, due);
  {
    std::lock_guard lock(mutex_);
    queue_.forget_sent(m.key);
    early_releases_.erase(m.key);
    early_cancels_.erase(m.key);
    // The next submission opens another.
    std::erase_if(streams_, [&](const stream& s) { return s.job == job; });
  }
  run(due);
}

void client_session::on(protocol::results& m) {
  auto job = find_job(m.key);
  if (!job) return;
  due_callbacks due;
  job->take(m.job, m.items, due);
  run(due);
}

void client_session::on(protocol::job_finished& m) {
  std::lock_guard lock(mutex_);
  queue_.forget_sent(m.key);
}

void client_session::on(protocol::response& m) {
  answer_ptr wanted;
  {
    std::lock_guard lock(mutex_);
    wanted = questions_.take(m.number);
  }
  if (!wanted) return;  // came too late, or nobody asked
  if (m.error)
    wanted->set(tl::unexpected(std::move(*m.error)));
  else
    wanted->set(std::move(m.body));
}

void client_session::on(protocol::events& m) {
  std::optional<event_follower> follower;
  std::uint64_t missing = 0;
  {
    std::lock_guard lock(mutex_);
    if (!follower_) return;
    // Both the answer to a question and what came meanwhile may have them.
    std::erase_if(m.items, [this](const auto& e) { return e.number < next_event_; });
    if (m.items.empty()) return;
    auto first = m.items.front().number;
    if (next_event_ > 0 && first > next_event_) missing = first - next_event_;
    next_event_ = m.items.back().number + 1;
    follower = follower_;
  }
  if (missing > 0 && follower->on_gap)
    follower->on_gap(std::to_string(missing) + " events came meanwhile and are no longer kept");
  if (follower->on_events) follower->on_events(m);
}

result<void> client_session::follow_events(std::uint64_t from, event_follower follower) {
  {
    std::lock_guard lock(mutex_);
    follower_ = std::move(follower);
    next_event_ = from;
  }
  auto answer = request("events", events_parameters(from), std::chrono::seconds{10});
  // After a break they are asked for anyway.
  if (answer || answer.error().code == errc::unavailable) return {};
  return tl::unexpected(answer.error());
}

}  // namespace troupe::detail
