// The state behind troupe::client: jobs under way, messages to be sent, questions to be answered.
// Knows the protocol's client side and nothing of sockets; a client_transport carries its messages.
// What users submit becomes messages in submission.cpp, which wait in send_queue.hpp; jobs are in
// job_handle.hpp, questions in questions.hpp.
//
// Thread-safety: everything may be called from any thread. Lock order: client_session::mutex_
// before job_handle::mutex. Callbacks run without locks, on the transport's thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "api/client_transport.hpp"
#include "api/job_handle.hpp"
#include "api/questions.hpp"
#include "api/send_queue.hpp"
#include "libruntime/protocol/messages.hpp"
#include "troupe/client.hpp"

namespace troupe::detail {

// Who follows the cluster's events. Called on the transport's thread.
struct event_follower {
  std::function<void(const protocol::events&)> on_events;  // in order, each once
  // What the numbers don't show, in words: the head is another one, or some were no longer kept.
  std::function<void(const std::string&)> on_gap;
};

// Handles (from make(), and those in futures) keep it open; when the last one goes it is closed,
// while it is still whole. Transports refer to it weakly (weak_from_this), which lasts until it has
// closed.
class client_session : public std::enable_shared_from_this<client_session> {
 public:
  static std::shared_ptr<client_session> make(std::string name);
  explicit client_session(std::string name);  // for make()
  ~client_session();

  // ---- for the public classes
  void attach(std::unique_ptr<client_transport> transport);
  task_handle submit(const task_spec& spec, value arguments, std::vector<task_handle> inputs);
  std::shared_ptr<holder> submit_job(job_draft draft);
  // A job in pieces, as map_writer has them: opens it; adds `n` tasks and what says so.
  std::uint64_t new_key();
  std::shared_ptr<job_handle> open(protocol::open_job open);
  void extend(job_handle& job, std::size_t n, std::vector<protocol::message> messages);
  // For who goes on to make the next piece: an io thread that was woken on the same core would send the
  // first when the last is made.
  void let_send();
  // Its submission, of `n` tasks so far, goes no further: nothing of it is wanted.
  void abandon(job_handle& job, task_index n);
  result<std::vector<protocol::task_reference>> references(const std::vector<task_handle>& tasks);
  // Results of somebody else's job; `size` tasks from `first`.
  result<std::shared_ptr<holder>> watch(job_id id, task_index first, std::size_t size, bool values);
  result<value> request(const std::string& method, const value& parameters,
                        std::chrono::nanoseconds timeout);
  // Waits until the head has taken everything submitted before; refusals are known then.
  result<void> flush(std::chrono::nanoseconds timeout);
  void cancel(job_handle& job, std::vector<protocol::index_range> tasks, std::string reason);
  void release(job_handle& job, task_index begin, task_index end);
  void close();
  const std::string& address() const;
  // Events from number `from` on, as far as they are kept, then what comes; after a broken link
  // they go on behind the last one seen. One follower at a time.
  result<void> follow_events(std::uint64_t from, event_follower follower);

  // ---- for the transport, on its thread
  std::uint64_t incarnation() const { return incarnation_; }
  void connected(const protocol::welcome& w);
  // The link broke and will be made again: what was asked on it is not answered any more.
  void broken();
  void received(std::vector<protocol::message>& messages);
  // The head is out of reach for good: everything outstanding fails.
  void lost(const failure& why);
  // Appends what may be sent now, about `budget` tasks of it.
  void take_outgoing(std::vector<protocol::message>& out, std::size_t budget);

 private:
  // Submitters wait while more tasks than this are waiting to be sent.
  static constexpr std::size_t unsent_limit = 1'000'000;

  std::shared_ptr<client_session> handle() const { return handle_.lock(); }
  std::shared_ptr<job_handle> new_job_locked(protocol::open_job open);
  std::shared_ptr<job_handle> stream_for_locked(const task_spec& spec);
  void wait_for_room(std::unique_lock<std::mutex>& lock);
  void wake();
  void ask_again_locked(bool restarted);
  // Those that were opened before the head was restarted so often.
  void fail_jobs(const failure& why, std::uint64_t opened_before = UINT64_MAX);
  std::shared_ptr<job_handle> find_job(std::uint64_t key);
  void on(protocol::submit_credit& m);
  void on(protocol::job_opened& m);
  void on(protocol::job_refused& m);
  void on(protocol::results& m);
  void on(protocol::job_finished& m);
  void on(protocol::response& m);
  void on(protocol::events& m);

  const std::string name_;
  const std::uint64_t incarnation_;
  std::weak_ptr<client_session> handle_;

  std::mutex mutex_;
  std::condition_variable room_;
  std::unique_ptr<client_transport> transport_;
  std::optional<failure> lost_;
  bool closed_ = false;
  std::thread::id transport_thread_;
  epoch_id epoch_;
  std::uint64_t restarts_ = 0;  // of the head, as far as was seen
  send_queue queue_;
  std::uint64_t next_key_ = 1;
  std::unordered_map<std::uint64_t, std::weak_ptr<job_handle>> jobs_;
  // What was asked of a job before it had an id, by key: the job's handle may be gone by then.
  std::unordered_map<std::uint64_t, std::vector<protocol::index_range>> early_releases_;
  std::unordered_map<std::uint64_t, std::vector<protocol::cancel>> early_cancels_;
  questions questions_;
  std::optional<event_follower> follower_;
  std::uint64_t next_event_ = 0;            // the first one not seen
  std::map<std::uint64_t, value> watches_;  // parameters, by key

  // The open jobs that single submissions go to: one for each kind of task, so that what is refused
  // of one does not touch the others. A new one after a while, so that none grows for ever.
  struct stream {
    task_spec spec;
    std::shared_ptr<job_handle> job;
  };
  std::vector<stream> streams_;
};

// A connection to a head over a link; waits until it is welcomed or `timeout` passes.
result<std::shared_ptr<client_session>> connect_over_link(const connect_options& options);

}  // namespace troupe::detail
