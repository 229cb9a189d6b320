#include "api/client_session.hpp"

#include <unistd.h>

#include <algorithm>
#include <random>

#include "api/submission.hpp"
#include "libruntime/protocol/limits.hpp"

namespace troupe::detail {
namespace {

// A stream job is closed after so many tasks and another one opened.
constexpr std::size_t stream_limit = 10'000;
constexpr std::size_t most_streams = 16;
// Submitters wait while more tasks than this are waiting to be sent.
constexpr std::size_t unsent_limit = 1'000'000;

std::uint64_t random_number() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

using callback_list = std::vector<std::pair<std::function<void(const result<value>&)>, result<value>>>;

// Under the job's lock. Callbacks that are due are moved to `due`.
void settle(job_handle& job, std::size_t position, result<value> outcome, callback_list& due) {
  auto& slot = job.slots[position];
  if (slot.at != result_slot::state::pending) return;  // told twice after a reconnect
  ++job.ended;
  if (outcome) {
    slot.at = result_slot::state::succeeded;
    slot.result = *outcome;
  } else {
    slot.at = result_slot::state::failed;
    slot.error = std::make_unique<failure>(outcome.error());
    ++job.failed;
  }
  if (job.callbacks.empty()) return;
  auto i = job.callbacks.find(static_cast<task_index>(position));
  if (i == job.callbacks.end()) return;
  for (auto& f : i->second) due.emplace_back(std::move(f), outcome);
  job.callbacks.erase(i);
}

value watch_parameters(job_id id, std::uint64_t key, bool values) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> pack(buffer);
  pack.pack_map(3);
  pack.pack("id");
  pack.pack(std::to_string(id.value));
  pack.pack("key");
  pack.pack(key);
  pack.pack("values");
  pack.pack(values);
  return value::copy_of({reinterpret_cast<const std::byte*>(buffer.data()), buffer.size()});
}

// A job that was made when the head was already lost never hears of its end otherwise.
void settle_if_refused(job_handle& job) {
  callback_list nobody_yet;
  std::lock_guard lock(job.mutex);
  if (!job.refused) return;
  for (std::size_t i = 0; i < job.slots.size(); ++i)
    settle(job, i, tl::unexpected(*job.refused), nobody_yet);
}

void run(callback_list& due) {
  for (auto& [f, outcome] : due) f(outcome);
}

}  // namespace

result<job_id> job_handle::wait_id() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return id || refused; });
  if (refused) return tl::unexpected(*refused);
  return id;
}

client_session::client_session(std::string name)
    : name_(std::move(name)), incarnation_(random_number()) {}

client_session::~client_session() { close(); }

void client_session::attach(std::unique_ptr<client_transport> transport) {
  std::lock_guard lock(mutex_);
  transport_ = std::move(transport);
}

const std::string& client_session::address() const {
  static const std::string none;
  return transport_ ? transport_->address() : none;
}

void client_session::on_events(std::function<void(const protocol::events&)> callback) {
  std::lock_guard lock(mutex_);
  on_events_ = std::move(callback);
}

void client_session::wake() {
  if (transport_) transport_->wake();
}

void client_session::close() {
  client_transport* transport = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    for (const auto& s : streams_) pending_.push_back(protocol::close_job{s.job->key});
    streams_.clear();
    transport = transport_.get();
    room_.notify_all();
  }
  if (transport) transport->close(std::chrono::seconds{5});
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
  auto job = std::make_shared<job_handle>(open.key);
  job->first_index = open.first_index;
  if (lost_) job->refused = lost_;
  jobs_.emplace(open.key, job);
  push_locked(std::move(open));
  return job;
}

// Opens the job and queues what is in it.
std::shared_ptr<holder> client_session::submit_whole(protocol::open_job open, task_index n,
                                                     std::vector<protocol::message> messages) {
  std::shared_ptr<job_handle> job;
  std::shared_ptr<holder> h;
  {
    std::lock_guard lock(mutex_);
    job = new_job_locked(std::move(open));
    job->slots.resize(n);
    h = std::make_shared<holder>(shared_from_this(), job, 0, n);
    for (auto& m : messages) push_locked(std::move(m));
  }
  settle_if_refused(*job);
  wake();
  return h;
}

void client_session::push_locked(protocol::message m) {
  pending_tasks_ += task_count(m);
  pending_.push_back(std::move(m));
}

void client_session::wait_for_room(std::unique_lock<std::mutex>& lock) {
  if (std::this_thread::get_id() == transport_thread_) return;  // a callback must not wait for itself
  room_.wait(lock, [&] { return pending_tasks_ < unsent_limit || lost_ || closed_; });
}

std::shared_ptr<job_handle> client_session::stream_for_locked(const task_spec& spec) {
  auto close = [this](std::vector<stream>::iterator s) {
    push_locked(protocol::close_job{s->job->key});
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
  auto job = new_job_locked(std::move(open));
  push_locked(protocol::define_template{job->key, 0, spec});
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
    job->slots.emplace_back();
    if (job->refused) {
      job->slots.back().at = result_slot::state::failed;
      job->slots.back().error = std::make_unique<failure>(*job->refused);
      ++job->ended;
      ++job->failed;
    }
  }
  auto* last = pending_.empty() ? nullptr : std::get_if<protocol::add_tasks>(&pending_.back());
  if (!last || last->key != job->key ||
      last->tasks.size() >= add_limit || task.arguments.size() > add_bytes_limit / 8) {
    pending_.push_back(protocol::add_tasks{job->key, 0, position, 0, {}});
    last = &std::get<protocol::add_tasks>(pending_.back());
  }
  last->tasks.push_back(std::move(task));
  ++pending_tasks_;
  auto h = std::make_shared<holder>(shared_from_this(), job, position, position + 1);
  lock.unlock();
  wake();
  return {std::move(h), position};
}

std::shared_ptr<holder> client_session::map(const task_spec& spec,
                                            std::vector<packed_call> calls) {
  std::vector<std::vector<protocol::task_reference>> refs(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i].inputs.empty()) continue;
    auto r = references(calls[i].inputs);
    if (!r) throw error(r.error());
    refs[i] = std::move(*r);
  }
  protocol::open_job open;
  open.key = new_key();
  open.name = spec.function;
  auto n = static_cast<task_index>(calls.size());
  auto messages = messages_of(spec, std::move(calls), std::move(refs), open.key);
  return submit_whole(std::move(open), n, std::move(messages));
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
  auto messages = messages_of(std::move(draft), open.key);
  return submit_whole(std::move(open), n, std::move(messages));
}

void client_session::cancel(job_handle& job, std::vector<protocol::index_range> tasks,
                            std::string reason) {
  if (auto fine = protocol::check_text("the reason of a cancellation takes", reason); !fine)
    throw error(fine.error());
  protocol::cancel message{{}, std::move(tasks), std::move(reason)};
  {
    std::lock_guard lock(job.mutex);
    for (auto& r : message.tasks) r = {r.begin + job.first_index, r.end + job.first_index};
    if (!job.id) {
      job.cancel_once_opened.push_back(std::move(message));
      return;
    }
    message.job = job.id;
  }
  {
    std::lock_guard lock(mutex_);
    // A part of a job may still be waiting to be sent; the whole job is named as such.
    if (message.tasks.empty())
      urgent_.push_back(std::move(message));
    else
      push_locked(std::move(message));
  }
  wake();
}

void client_session::release(job_handle& job, task_index begin, task_index end) {
  job_id id;
  task_index first = 0;
  {
    std::lock_guard lock(job.mutex);
    id = job.id;
    first = job.first_index;
    for (auto i = begin; i < end; ++i) job.slots[i].result = {};
  }
  {
    std::lock_guard lock(mutex_);
    if (closed_ || lost_) return;
    protocol::release_results message;
    message.job = id;
    message.tasks = {{first + begin, first + end}};
    if (!id) return released_early_locked(job.key, message.tasks[0]);
    auto* last = pending_.empty() ? nullptr
                                  : std::get_if<protocol::release_results>(&pending_.back());
    if (last && last->job == id && last->tasks.back().end == message.tasks[0].begin)
      last->tasks.back().end = message.tasks[0].end;
    else if (last && last->job == id && last->tasks.size() < add_limit)
      last->tasks.push_back(message.tasks[0]);
    else
      push_locked(std::move(message));
  }
  wake();
}

void client_session::released_early_locked(std::uint64_t key, protocol::index_range range) {
  early_releases_[key].push_back(range);
}

result<std::shared_ptr<holder>> client_session::watch(job_id id, task_index first,
                                                      std::size_t size, bool values) {
  std::shared_ptr<job_handle> job;
  {
    std::lock_guard lock(mutex_);
    auto key = next_key_++;
    job = std::make_shared<job_handle>(key);
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
  return std::make_shared<holder>(shared_from_this(), job, 0, 0);
}

result<value> client_session::request(const std::string& method, const value& parameters,
                                      std::chrono::nanoseconds timeout) {
  auto fine = protocol::check_value(parameters)
                  .and_then([&] { return protocol::check_text("its name takes", method); });
  if (!fine)
    return fail(fine.error().code, "the parameters of \"" + method.substr(0, 80) +
                                       "\": " + fine.error().message);
  auto wanted = std::make_shared<answer>();
  std::uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    if (lost_) return tl::unexpected(*lost_);
    number = next_request_++;
    answers_.emplace(number, wanted);
    urgent_.push_back(protocol::request{number, method, parameters});
  }
  wake();
  std::unique_lock lock(wanted->mutex);
  if (wanted->changed.wait_for(lock, timeout, [&] { return wanted->outcome.has_value(); }))
    return std::move(*wanted->outcome);
  lock.unlock();
  std::lock_guard session_lock(mutex_);
  answers_.erase(number);
  return fail(errc::unavailable, "no answer to \"" + method + "\" within " +
                                     std::to_string(to_seconds(timeout)) + " s");
}

result<void> client_session::flush(std::chrono::nanoseconds timeout) {
  auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!room_.wait_until(lock, until, [&] { return pending_.empty() || lost_ || closed_; }))
        return fail(errc::unavailable, "the cluster doesn't take the " +
                                           std::to_string(pending_tasks_) + " tasks that are left");
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

// ---- what the transport takes and brings ------------------------------------------------------

void client_session::take_add_tasks_locked(std::vector<protocol::message>& out) {
  auto& add = std::get<protocol::add_tasks>(pending_.front());
  auto n = task_count(pending_.front());
  if (n <= credit_) {
    out.push_back(std::move(pending_.front()));
    pending_.pop_front();
  } else {  // as much as the head has room for
    protocol::add_tasks part{add.key, add.template_number, add.position, 0, {}};
    n = static_cast<std::size_t>(credit_);
    if (add.tasks.empty()) {
      part.count = static_cast<std::uint32_t>(n);
      add.count -= part.count;
    } else {
      auto cut = add.tasks.begin() + static_cast<std::ptrdiff_t>(n);
      part.tasks.assign(std::make_move_iterator(add.tasks.begin()), std::make_move_iterator(cut));
      add.tasks.erase(add.tasks.begin(), cut);
    }
    add.position += static_cast<std::uint32_t>(n);
    out.push_back(std::move(part));
  }
  credit_ -= n;
  pending_tasks_ -= n;
  sent_.push_back({out.back(), sent_tasks_, n});
  sent_tasks_ += n;
}

void client_session::take_outgoing(std::vector<protocol::message>& out, std::size_t budget) {
  std::lock_guard lock(mutex_);
  transport_thread_ = std::this_thread::get_id();
  for (; !urgent_.empty(); urgent_.pop_front()) out.push_back(std::move(urgent_.front()));
  std::size_t tasks = 0;
  while (!pending_.empty() && tasks < budget) {
    if (auto n = task_count(pending_.front()); n > 0) {
      if (credit_ == 0) break;
      tasks += std::min<std::size_t>(n, credit_);
      take_add_tasks_locked(out);
      continue;
    }
    ++tasks;
    out.push_back(std::move(pending_.front()));
    pending_.pop_front();
    sent_.push_back({out.back(), sent_tasks_, 0});
  }
  if (pending_tasks_ < unsent_limit) room_.notify_all();
}

void client_session::acknowledge_locked(std::uint32_t tasks) {
  acknowledged_tasks_ += tasks;
  // A message without tasks has certainly arrived once tasks sent after it are acknowledged.
  while (!sent_.empty()) {
    const auto& m = sent_.front();
    bool arrived = m.tasks > 0 ? m.tasks_before + m.tasks <= acknowledged_tasks_
                               : m.tasks_before < acknowledged_tasks_;
    if (!arrived) break;
    sent_.pop_front();
  }
}

void client_session::connected(const protocol::welcome& w) {
  std::optional<failure> restarted;
  {
    std::lock_guard lock(mutex_);
    if (epoch_ && epoch_ != w.epoch)
      restarted = failure{errc::result_lost,
                          "the head was restarted (epoch " + std::to_string(epoch_.value) + " → " +
                              std::to_string(w.epoch.value) + ") and its jobs are lost",
                          {}};
    const bool again = bool{epoch_};
    epoch_ = w.epoch;
    credit_ = sent_tasks_ = acknowledged_tasks_ = 0;
    first_credit_ = true;
    for (; !sent_.empty(); sent_.pop_back()) {
      pending_tasks_ += sent_.back().tasks;
      pending_.push_front(std::move(sent_.back().message));
    }
    // The head knows a new link by a new number: it is told again what this one watches.
    std::erase_if(watches_, [&](const auto& w) {
      auto job = jobs_.find(w.first);
      return restarted || job == jobs_.end() || job->second.expired();
    });
    if (again)
      for (const auto& [key, parameters] : watches_)
        urgent_.push_back(protocol::request{next_request_++, "watch", parameters});
    if (restarted) {
      pending_.clear();
      pending_tasks_ = 0;
      streams_.clear();
    }
  }
  if (restarted) fail_jobs(*restarted);
}

void client_session::broken() {
  std::vector<std::shared_ptr<answer>> unanswered;
  {
    std::lock_guard lock(mutex_);
    for (auto i = answers_.begin(); i != answers_.end();) {
      bool unsent = std::any_of(urgent_.begin(), urgent_.end(), [&](const protocol::message& m) {
        const auto* r = std::get_if<protocol::request>(&m);
        return r && r->number == i->first;
      });
      if (unsent) {
        ++i;
        continue;
      }
      unanswered.push_back(std::move(i->second));
      i = answers_.erase(i);
    }
  }
  for (const auto& a : unanswered) {
    std::lock_guard lock(a->mutex);
    a->outcome = fail(errc::unavailable, "the connection broke before the answer came; ask again");
    a->changed.notify_all();
  }
}

void client_session::fail_jobs(const failure& why) {
  std::vector<std::shared_ptr<job_handle>> jobs;
  {
    std::lock_guard lock(mutex_);
    for (auto& [key, weak] : jobs_)
      if (auto job = weak.lock()) jobs.push_back(std::move(job));
  }
  for (auto& job : jobs) {
    protocol::job_refused refused{job->key, why};
    on(refused);
  }
}

void client_session::lost(const failure& why) {
  decltype(answers_) answers;
  {
    std::lock_guard lock(mutex_);
    if (!lost_) lost_ = why;
    answers.swap(answers_);
    room_.notify_all();
  }
  for (auto& [number, a] : answers) {
    std::lock_guard lock(a->mutex);
    a->outcome = tl::unexpected(why);
    a->changed.notify_all();
  }
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
    credit_ += m.tasks;
    if (!std::exchange(first_credit_, false)) acknowledge_locked(m.tasks);
  }
  wake();
}

void client_session::on(protocol::job_opened& m) {
  std::vector<protocol::cancel> cancels;
  if (auto job = find_job(m.key)) {
    std::lock_guard lock(job->mutex);
    job->id = m.job;
    cancels.swap(job->cancel_once_opened);
    job->changed.notify_all();
  }
  std::lock_guard lock(mutex_);
  for (auto& c : cancels) {
    c.job = m.job;
    push_locked(std::move(c));
  }
  if (auto i = early_releases_.find(m.key); i != early_releases_.end()) {
    push_locked(protocol::release_results{m.job, std::move(i->second)});
    early_releases_.erase(i);
  }
  if (!pending_.empty()) wake();
}

void client_session::on(protocol::job_refused& m) {
  auto job = find_job(m.key);
  if (!job) return;
  callback_list due;
  {
    std::lock_guard lock(job->mutex);
    job->refused = m.why;
    for (std::size_t i = 0; i < job->slots.size(); ++i)
      settle(*job, i, tl::unexpected(m.why), due);
    job->changed.notify_all();
  }
  {
    std::lock_guard lock(mutex_);
    // The next submission opens another.
    std::erase_if(streams_, [&](const stream& s) { return s.job == job; });
  }
  run(due);
}

void client_session::on(protocol::results& m) {
  auto job = find_job(m.key);
  if (!job) return;
  callback_list due;
  {
    std::lock_guard lock(job->mutex);
    job->id = m.job;
    for (auto& item : m.items) {
      std::size_t position = item.index - job->first_index;
      if (position >= job->slots.size()) continue;  // not one of ours: nothing to do with it
      if (item.outcome == protocol::outcome::succeeded)
        settle(*job, position, std::move(item.result), due);
      else
        settle(*job, position,
               tl::unexpected(item.error.value_or(failure{errc::cancelled, "cancelled", {}})), due);
    }
    job->changed.notify_all();
  }
  run(due);
}

void client_session::on(protocol::response& m) {
  std::shared_ptr<answer> wanted;
  {
    std::lock_guard lock(mutex_);
    auto i = answers_.find(m.number);
    if (i == answers_.end()) return;  // came too late
    wanted = std::move(i->second);
    answers_.erase(i);
  }
  std::lock_guard lock(wanted->mutex);
  if (m.error)
    wanted->outcome = tl::unexpected(std::move(*m.error));
  else
    wanted->outcome = std::move(m.body);
  wanted->changed.notify_all();
}

void client_session::on(protocol::events& m) {
  std::function<void(const protocol::events&)> callback;
  {
    std::lock_guard lock(mutex_);
    callback = on_events_;
  }
  if (callback) callback(m);
}

}  // namespace troupe::detail
