#include "api/client_session.hpp"

#include <algorithm>
#include <random>
#include <unistd.h>

#include "api/submission.hpp"
#include "libruntime/protocol/limits.hpp"

namespace troupe::detail {
namespace {

// A stream job is closed after so many tasks and another one opened.
constexpr std::size_t stream_limit = 10'000;
constexpr std::size_t most_streams = 16;
// For what has been taken to leave, whatever was waited for before.
constexpr std::chrono::nanoseconds least_patience = std::chrono::seconds{1};

std::uint64_t random_number() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

value watch_parameters(job_id id, std::uint64_t key, bool values) {
  return value::of(std::map<std::string, value>{{"id", value::of(std::to_string(id.value))},
                                                {"key", value::of(key)},
                                                {"values", value::of(values)}});
}

}  // namespace

client_session::client_session(std::string name)
    : name_(std::move(name)), incarnation_(random_number()) {}

std::shared_ptr<client_session> client_session::make(std::string name) {
  auto whole = std::make_shared<client_session>(std::move(name));
  // The session knows its handle weakly, which keeps the deleter: that must let go of the session.
  std::shared_ptr<client_session> handle(whole.get(), [whole](client_session* s) mutable {
    s->close();
    whole.reset();
  });
  whole->handle_ = handle;
  return handle;
}

client_session::~client_session() {
  close();
}

void client_session::attach(std::unique_ptr<client_transport> transport) {
  std::lock_guard lock(mutex_);
  transport_ = std::move(transport);
}

const std::string& client_session::address() const {
  static const std::string none;
  return transport_ ? transport_->address() : none;
}

void client_session::wake() {
  if (transport_) transport_->wake();
}

void client_session::close() {
  constexpr auto patience = std::chrono::seconds{5};
  const auto until = std::chrono::steady_clock::now() + patience;
  client_transport* transport = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    for (const auto& s : streams_) queue_.push(protocol::close_job{s.job->key});
    streams_.clear();
    transport = transport_.get();
    room_.notify_all();
  }
  if (transport) {
    // What the head has no room for yet leaves as it gets some.
    if (!transport->on_its_thread()) {
      transport->wake();
      std::unique_lock lock(mutex_);
      room_.wait_until(lock, until, [this] { return queue_.empty() || lost_; });
    }
    transport->close(std::max(until - std::chrono::steady_clock::now(), least_patience));
  }
  lost(failure{errc::unavailable, "the client was closed", {}});
}

// ---- submitting -------------------------------------------------------------------------------

std::uint64_t client_session::new_key() {
  std::lock_guard lock(mutex_);
  return next_key_++;
}

std::shared_ptr<job_handle> client_session::new_job_locked(protocol::open_job open) {
  std::erase_if(jobs_, [](const auto& entry) { return entry.second.expired(); });
  if (open.name.empty()) open.name = name_;
  auto job = std::make_shared<job_handle>(open.key, restarts_);
  job->first_index = open.first_index;
  if (lost_) job->refused = lost_;
  jobs_.emplace(open.key, job);
  queue_.push(std::move(open));
  return job;
}

std::shared_ptr<job_handle> client_session::open(protocol::open_job open) {
  std::lock_guard lock(mutex_);
  return new_job_locked(std::move(open));
}

void client_session::extend(job_handle& job, std::size_t n,
                            std::vector<protocol::message> messages) {
  {
    std::lock_guard lock(mutex_);
    std::unique_lock job_lock(job.mutex);
    for (std::size_t i = 0; i < n; ++i) job.add_slot();
    bool refused = job.refused.has_value();
    job_lock.unlock();
    // A head that was started since then knows nothing of the job, which is failed for that.
    if (refused || job.restarts != restarts_) return;
    for (auto& m : messages) queue_.push(std::move(m));
  }
  wake();
}

void client_session::let_send() {
  if (!transport_->on_its_thread()) std::this_thread::yield();
}

void client_session::abandon(job_handle& job, task_index n) {
  cancel(job, {}, "its submission was not finished");
  extend(job, 0, {protocol::close_job{job.key}});
  release(job, 0, n);
}

void client_session::wait_for_room(std::unique_lock<std::mutex>& lock) {
  if (std::this_thread::get_id() == transport_thread_)
    return;  // a callback must not wait for itself
  room_.wait(lock, [&] { return queue_.tasks() < unsent_limit || lost_ || closed_; });
}

std::shared_ptr<job_handle> client_session::stream_for_locked(const task_spec& spec) {
  auto close = [this](std::vector<stream>::iterator s) {
    queue_.push(protocol::close_job{s->job->key});
    streams_.erase(s);
  };
  auto at = std::find_if(streams_.begin(), streams_.end(),
                         [&](const stream& s) { return s.spec == spec; });
  if (at != streams_.end() && at->job->slots.size() >= stream_limit) {
    close(at);
    at = streams_.end();
  }
  if (at != streams_.end()) {
    std::rotate(at, at + 1, streams_.end());  // the least recently used one is the first
    return streams_.back().job;
  }
  if (streams_.size() >= most_streams) close(streams_.begin());
  protocol::open_job open;
  open.key = next_key_++;
  open.independent = true;
  auto job = new_job_locked(std::move(open));
  queue_.push(protocol::define_template{job->key, 0, spec});
  streams_.push_back({spec, job});
  return job;
}

result<std::vector<protocol::task_reference>> client_session::references(
    const std::vector<task_handle>& tasks) {
  std::vector<protocol::task_reference> out;
  out.reserve(tasks.size());
  for (const auto& t : tasks) {
    auto& job = *t.hold()->job;
    protocol::task_reference r;
    bool ours = t.hold()->session.get() == this;
    {
      std::lock_guard lock(job.mutex);
      r.job = job.id;
      r.index = job.first_index + t.index();
    }
    if (ours && !r.job) {
      r.key = job.key;
    } else if (!r.job) {  // another client's key means nothing here
      auto id = job.wait_id();
      if (!id) return tl::unexpected(id.error());
      r.job = *id;
    }
    out.push_back(r);
  }
  return out;
}

task_handle client_session::submit(const task_spec& spec, value arguments,
                                   std::vector<task_handle> inputs) {
  auto refs = references(inputs);
  if (!refs) throw error(refs.error());
  auto task = single_task(spec, std::move(arguments), std::move(*refs));
  std::unique_lock lock(mutex_);
  wait_for_room(lock);
  auto job = stream_for_locked(spec);
  auto position = static_cast<task_index>(job->slots.size());
  {
    std::lock_guard job_lock(job->mutex);
    job->add_slot();
  }
  queue_.push_task(job->key, position, std::move(task));
  auto h = std::make_shared<holder>(handle(), job, position, position + 1);
  lock.unlock();
  wake();
  return {std::move(h), position};
}

std::shared_ptr<holder> client_session::submit_job(job_draft draft) {
  protocol::open_job open;
  open.key = new_key();
  open.name = draft.name;
  open.lifetime = draft.lifetime;
  open.hold = draft.hold;
  open.want_results = draft.want_results;
  open.first_index = draft.first_index;
  auto n = static_cast<task_index>(draft.tasks.empty() ? draft.count : draft.tasks.size());
  job_messages messages(std::move(draft), open.key);
  auto job = this->open(std::move(open));
  task_index sent = 0;
  try {
    for (auto piece = messages.next(); !piece.empty(); piece = messages.next()) {
      std::size_t tasks = 0;
      for (const auto& m : piece) tasks += task_count(m);
      extend(*job, tasks, std::move(piece));
      sent += static_cast<task_index>(tasks);
      if (!messages.done()) let_send();
    }
  } catch (...) {
    abandon(*job, sent);
    throw;
  }
  return std::make_shared<holder>(handle(), std::move(job), 0, n);
}

void client_session::cancel(job_handle& job, std::vector<protocol::index_range> tasks,
                            std::string reason) {
  if (auto fine = protocol::check_text("the reason of a cancellation takes", reason); !fine)
    throw error(fine.error());
  protocol::cancel message{{}, std::move(tasks), std::move(reason)};
  {
    // The id must not come between the look at it and the note that it is missed.
    std::lock_guard lock(mutex_);
    {
      std::lock_guard job_lock(job.mutex);
      if (job.refused) return;
      for (auto& r : message.tasks) r = {r.begin + job.first_index, r.end + job.first_index};
      message.job = job.id;
    }
    if (!message.job) {
      early_cancels_[job.key].push_back(std::move(message));
      return;
    }
    // A part of a job may still be waiting to be sent; the whole job is named as such.
    if (message.tasks.empty())
      queue_.push_urgent(std::move(message));
    else
      queue_.push(std::move(message));
  }
  wake();
}

void client_session::release(job_handle& job, task_index begin, task_index end) {
  {
    std::lock_guard lock(job.mutex);
    for (auto i = begin; i < end; ++i) job.slots[i].result = {};
  }
  {
    std::lock_guard lock(mutex_);
    if (closed_ || lost_) return;
    std::unique_lock job_lock(job.mutex);
    if (job.refused) return;
    auto id = job.id;
    protocol::index_range range{job.first_index + begin, job.first_index + end};
    job_lock.unlock();
    if (!id) {
      early_releases_[job.key].push_back(range);
      return;
    }
    queue_.push_release(id, range);
  }
  wake();
}

result<std::shared_ptr<holder>> client_session::watch(job_id id, task_index first, std::size_t size,
                                                      bool values) {
  std::shared_ptr<job_handle> job;
  {
    std::lock_guard lock(mutex_);
    auto key = next_key_++;
    job = std::make_shared<job_handle>(key, restarts_);
    job->id = id;
    job->first_index = first;
    job->slots.resize(size);
    jobs_.emplace(key, job);
  }
  auto parameters = watch_parameters(id, job->key, values);
  auto answer = request("watch", parameters, std::chrono::seconds{10});
  if (!answer) return tl::unexpected(answer.error());
  {
    std::lock_guard lock(mutex_);
    watches_.emplace(job->key, std::move(parameters));
  }
  // Not a holder of results in the cluster: there is nothing to release.
  return std::make_shared<holder>(handle(), job, 0, 0);
}

result<value> client_session::request(const std::string& method, const value& parameters,
                                      std::chrono::nanoseconds timeout) {
  auto fine = protocol::check_value(parameters).and_then([&] {
    return protocol::check_text("its name takes", method);
  });
  if (!fine)
    return fail(fine.error().code,
                "the parameters of \"" + method.substr(0, 80) + "\": " + fine.error().message);
  answer_ptr wanted;
  std::uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    if (lost_) return tl::unexpected(*lost_);
    number = questions_.next_number();
    wanted = questions_.add(number);
    queue_.push_urgent(protocol::request{number, method, parameters});
  }
  wake();
  if (auto answer = wanted->wait_for(timeout)) return std::move(*answer);
  std::lock_guard lock(mutex_);
  questions_.take(number);
  return fail(errc::unavailable, "no answer to \"" + method + "\" within " +
                                     std::to_string(to_seconds(timeout)) + " s");
}

result<void> client_session::flush(std::chrono::nanoseconds timeout) {
  auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!room_.wait_until(lock, until,
                            [&] { return queue_.ordered_empty() || lost_ || closed_; }))
        return fail(errc::unavailable, "the cluster doesn't take the " +
                                           std::to_string(queue_.tasks()) + " tasks that are left");
      if (lost_) return tl::unexpected(*lost_);
    }
    auto left = until - std::chrono::steady_clock::now();
    auto answer = request(std::string{protocol::ordered_request}, {}, left);
    if (answer) return {};
    // A break takes the question with it, and what was sent before it is sent again.
    bool again = answer.error().code == errc::unavailable && left > std::chrono::seconds{0};
    if (!again) return tl::unexpected(answer.error());
  }
}

}  // namespace troupe::detail
