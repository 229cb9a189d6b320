// A client of a cluster: submits tasks, gives futures back, asks and tells the cluster things. The
// same class speaks to a head over a link and to one in this process.
//
// A handle on shared state, cheap to copy, thread-safe. When the last handle and the last future are
// gone it says goodbye and its `client` jobs end. After a broken link it reconnects and submits
// again what may not have arrived; keys make that harmless.
#pragma once

#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "troupe/future.hpp"
#include "libruntime/task_spec.hpp"

namespace troupe {

namespace detail {
class client_session;

// Arguments of a call while they are packed: plain values, and futures as references to inputs.
class argument_packer {
 public:
  argument_packer() : packer_(buffer_) {}
  void array(std::size_t n) { packer_.pack_array(static_cast<std::uint32_t>(n)); }

  template <class T>
  void add(const T& x) {
    packer_.pack(x);
  }
  template <class R>
  void add(const future<R>& f) {
    input(f.handle());
  }
  template <class R>
  void add(const futures<R>& fs) {
    array(fs.size());
    for (const auto& f : fs) input(f.handle());
  }
  template <class R>
  void add(const std::vector<future<R>>& fs) {
    array(fs.size());
    for (const auto& f : fs) input(f.handle());
  }
  void add(const value& v) {
    auto b = v.data();
    buffer_.write(reinterpret_cast<const char*>(b.data()), b.size());
  }

  value take() {
    return value::copy_of(buffer_.bytes());
  }
  std::vector<task_handle> take_inputs() { return std::move(inputs_); }

 private:
  void input(const task_handle& t);

  pack_buffer buffer_;
  msgpack::packer<pack_buffer> packer_;
  std::vector<task_handle> inputs_;
};

template <class T>
struct is_tuple : std::false_type {};
template <class... Ts>
struct is_tuple<std::tuple<Ts...>> : std::true_type {};

// Whether any value of the type is short enough for a message.
template <class T>
struct is_always_short : std::is_arithmetic<T> {};
template <class... Ts>
struct is_always_short<std::tuple<Ts...>> : std::conjunction<is_always_short<Ts>...> {};

// For its type: whatever a range-based for would see first.
template <class Range>
decltype(auto) first_of(const Range& range) {
  using std::begin;
  return *begin(range);
}

// Submits the calls of a map as they are packed, so that the first run before the last are packed.
// A map is taken whole or refused whole: where a call could turn out to be more than a message
// carries, `whole` has all of them wait for finish(). add() throws like client::map.
class map_writer {
 public:
  map_writer(std::shared_ptr<client_session> session, task_spec spec, bool whole);
  // Without finish() what has been submitted is cancelled.
  ~map_writer();
  map_writer(const map_writer&) = delete;
  map_writer& operator=(const map_writer&) = delete;

  void add(value arguments, const std::vector<task_handle>& inputs);
  // The end; tasks [0, size()) are held.
  std::shared_ptr<holder> finish();
  std::size_t size() const;

 private:
  struct progress;
  std::unique_ptr<progress> progress_;
};
}  // namespace detail

struct connect_options {
  std::string address;  // "host:7400"; empty: TROUPE_ADDRESS, else this account's latest cluster
  std::filesystem::path certificates;  // folder with ca.pem and client.pem; empty: TROUPE_CERTS,
                                       // else the state folder of the cluster at that address
  std::chrono::nanoseconds timeout = std::chrono::seconds{5};
  std::string name;  // shown in `troupe jobs`; empty: program and pid
};

// One task of a job that is described in full: what CLI and graph files need.
struct task_draft {
  std::uint32_t template_number = 0;
  value arguments;
  std::vector<task_index> inputs;  // earlier or later tasks of the same job
  std::vector<task_index> after;
  std::string label;
};
struct job_draft {
  std::string name;
  protocol::lifetime lifetime = protocol::lifetime::detached;
  // A graph: all or nothing. Without it, tasks may run while those behind them are still sent.
  bool hold = false;
  bool want_results = true;
  task_index first_index = 0;
  std::vector<task_spec> templates;
  std::vector<task_draft> tasks;  // or, for tasks without arguments of template 0:
  std::uint32_t count = 0;
};

// A job that was submitted whole.
class job {
 public:
  job() = default;
  explicit job(std::shared_ptr<detail::holder> h, std::size_t n)
      : holder_(std::move(h)), size_(n) {}
  std::size_t size() const { return size_; }
  job_id id() const;                    // waits for the head's answer; throws if it is refused
  future<value> operator[](std::size_t position) const;
  bool done() const { return ended() == size_; }
  std::size_t ended() const;            // tasks that are over
  std::size_t failed() const;           // of those, the ones without a result
  // False if the time passed first.
  bool wait_for(std::chrono::nanoseconds d) const;
  void cancel(std::string reason) const;

 private:
  std::shared_ptr<detail::holder> holder_;
  std::size_t size_ = 0;
};

class client {
 public:
  client() = default;
  explicit client(std::shared_ptr<detail::client_session> s) : session_(std::move(s)) {}

  // Throws troupe::error: unavailable (nobody answers; says what was tried), unauthenticated.
  static client connect(const std::string& address) {
    connect_options options;
    options.address = address;
    return connect(options);
  }
  static client connect(const connect_options& options);
  static result<client> try_connect(const connect_options& options);

  // Calls a registered function. Arguments are msgpack-able values, or futures, whose results are
  // passed from worker to worker without coming here.
  template <class R, class... Args>
  future<R> submit(const std::string& function, const Args&... args) const {
    return submit_with<R>(task_options{}, function, args...);
  }
  template <class R, class... Args>
  future<R> submit_with(const task_options& options, const std::string& function,
                        const Args&... args) const {
    detail::argument_packer pack;
    pack.array(sizeof...(Args));
    (pack.add(args), ...);
    return future<R>(submit_call(options, function, pack.take(), pack.take_inputs()));
  }

  // Runs a command. The future fails unless it exits with 0.
  future<exec_result> exec(const exec_spec& command, const task_options& options = {}) const;

  // One call for each element: f(x), or f(a, b, …) where the elements are std::tuples. Of thousands of
  // numbers, or tuples of numbers, the first run while the last are still being packed; should the range
  // throw then, what has been submitted is cancelled. Anything else leaves as a whole.
  template <class R, class Range>
  futures<R> map(const std::string& function, const Range& range,
                 const task_options& options = {}) const {
    using element = std::decay_t<decltype(detail::first_of(range))>;
    detail::map_writer out(session_, call_of(function, options),
                           !detail::is_always_short<element>::value);
    for (const auto& x : range) {
      detail::argument_packer pack;
      if constexpr (detail::is_tuple<element>::value) {
        pack.array(std::tuple_size_v<element>);
        std::apply([&](const auto&... xs) { (pack.add(xs), ...); }, x);
      } else {
        pack.array(1);
        pack.add(x);
      }
      out.add(pack.take(), pack.take_inputs());
    }
    return futures<R>(out.finish(), 0, out.size());
  }

  job submit_job(job_draft draft) const;

  // Somebody else's job: its results come here too from now on; without `values` only how the tasks
  // end. Throws not_found or forbidden.
  job watch(job_id id, bool values = true) const;

  // A control request (see docs/protocol.md, "Control requests"); parameters and answer are
  // MessagePack maps. Waits at most `timeout`.
  result<value> request(const std::string& method, const value& parameters = {},
                        std::chrono::nanoseconds timeout = std::chrono::seconds{10}) const;

  // Waits until the cluster has taken everything submitted so far: what it refuses is known then.
  // Throws troupe::error (unavailable) where it has not within `timeout`.
  void flush(std::chrono::nanoseconds timeout = std::chrono::minutes{10}) const;
  const std::string& address() const;
  // Says goodbye now: waits until everything submitted has been sent. Futures that are not done fail.
  void close() const;
  bool valid() const { return session_ != nullptr; }
  const std::shared_ptr<detail::client_session>& session() const { return session_; }

 private:
  detail::task_handle submit_call(const task_options& options, const std::string& function,
                                  value arguments, std::vector<detail::task_handle> inputs) const;
  static task_spec call_of(const std::string& function, const task_options& options);

  std::shared_ptr<detail::client_session> session_;
};

}  // namespace troupe
