// The state behind troupe::client: jobs under way, messages to be sent, questions to be answered.
// Knows the protocol's client side and nothing of sockets; a client_transport carries its messages.
//
// Thread-safety: everything may be called from any thread. Lock order: client_session::mutex_ before
// job_handle::mutex_. Callbacks run without locks, on the transport's thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "libruntime/protocol/messages.hpp"
#include "troupe/client.hpp"

namespace troupe::detail {

// Carries messages between a session and a head: a link, or actors of this process.
class client_transport {
 public:
  virtual ~client_transport() = default;
  // There is something to take_outgoing(). Any thread; cheap when called often.
  virtual void wake() = 0;
  // Sends what is still to be sent (at most for `patience`), then ends; no callbacks after it.
  virtual void close(std::chrono::nanoseconds patience) = 0;
  virtual const std::string& address() const = 0;
};

// One task's place in its job.
struct result_slot {
  enum class state : std::uint8_t { pending, succeeded, failed } at = state::pending;
  value result;
  std::unique_ptr<failure> error;
};

// A job as its client sees it. Referred to by holders (futures) and, weakly, by the session.
class job_handle {
 public:
  explicit job_handle(std::uint64_t k) : key(k) {}

  const std::uint64_t key;

  mutable std::mutex mutex;
  std::condition_variable changed;
  job_id id;                        // 0 until the head has answered
  std::optional<failure> refused;   // the head wants nothing of it
  task_index first_index = 0;
  std::deque<result_slot> slots;    // by position
  std::size_t ended = 0, failed = 0;
  std::unordered_map<task_index, std::vector<std::function<void(const result<value>&)>>> callbacks;
  std::vector<protocol::cancel> cancel_once_opened;

  // Waits for the id; the failure if the job is refused or the head is gone for good.
  result<job_id> wait_id();
};

class client_session : public std::enable_shared_from_this<client_session> {
 public:
  explicit client_session(std::string name);
  ~client_session();

  // ---- for the public classes
  void attach(std::unique_ptr<client_transport> transport);
  task_handle submit(const task_spec& spec, value arguments, std::vector<task_handle> inputs);
  std::shared_ptr<holder> map(const task_spec& spec, std::vector<packed_call> tasks);
  std::shared_ptr<holder> submit_job(job_draft draft);
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
  // Receives every `events` message from now on.
  void on_events(std::function<void(const protocol::events&)> callback);

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
  struct sent_message {
    protocol::message message;
    std::uint64_t tasks_before = 0;  // sent in this connection before it
    std::uint64_t tasks = 0;
  };
  struct answer {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<result<value>> outcome;
  };

  std::uint64_t new_key();
  std::shared_ptr<job_handle> new_job_locked(protocol::open_job open);
  std::shared_ptr<holder> submit_whole(protocol::open_job open, task_index n,
                                       std::vector<protocol::message> messages);
  std::shared_ptr<job_handle> stream_for_locked(const task_spec& spec);
  void wait_for_room(std::unique_lock<std::mutex>& lock);
  void push_locked(protocol::message m);
  void wake();
  void take_add_tasks_locked(std::vector<protocol::message>& out);
  void acknowledge_locked(std::uint32_t tasks);
  void released_early_locked(std::uint64_t key, protocol::index_range range);
  void fail_jobs(const failure& why);
  std::shared_ptr<job_handle> find_job(std::uint64_t key);
  result<std::vector<protocol::task_reference>> references(const std::vector<task_handle>& tasks);
  void on(protocol::submit_credit& m);
  void on(protocol::job_opened& m);
  void on(protocol::job_refused& m);
  void on(protocol::results& m);
  void on(protocol::job_finished&) {}
  void on(protocol::response& m);
  void on(protocol::events& m);

  const std::string name_;
  const std::uint64_t incarnation_;

  std::mutex mutex_;
  std::condition_variable room_;
  std::unique_ptr<client_transport> transport_;
  std::optional<failure> lost_;
  bool closed_ = false;
  std::thread::id transport_thread_;
  epoch_id epoch_;
  bool first_credit_ = true;
  std::uint64_t credit_ = 0;
  std::uint64_t sent_tasks_ = 0, acknowledged_tasks_ = 0;  // in this connection
  std::deque<protocol::message> urgent_;    // control requests and cancels: no credit needed
  std::deque<protocol::message> pending_;
  std::size_t pending_tasks_ = 0;
  std::deque<sent_message> sent_;           // until acknowledged, to send again after a reconnect
  std::uint64_t next_key_ = 1;
  std::unordered_map<std::uint64_t, std::weak_ptr<job_handle>> jobs_;
  // Futures that were dropped before their job had an id.
  std::unordered_map<std::uint64_t, std::vector<protocol::index_range>> early_releases_;
  std::uint64_t next_request_ = 1;
  std::unordered_map<std::uint64_t, std::shared_ptr<answer>> answers_;
  std::function<void(const protocol::events&)> on_events_;
  std::map<std::uint64_t, value> watches_;  // parameters, by key

  // The open jobs that single submissions go to: one for each kind of task, so that what is refused of
  // one does not touch the others. A new one after a while, so that none grows for ever.
  struct stream {
    task_spec spec;
    std::shared_ptr<job_handle> job;
  };
  std::vector<stream> streams_;
};

// A connection to a head over a link; waits until it is welcomed or `timeout` passes.
result<std::shared_ptr<client_session>> connect_over_link(const connect_options& options);

}  // namespace troupe::detail
