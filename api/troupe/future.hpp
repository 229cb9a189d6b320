// Futures: handles on tasks that have been submitted. Cheap to copy (a shared pointer and an index);
// the cluster keeps a task's result for as long as any handle on it lives.
//
// Thread-safety: like a shared_ptr; every member function may be called from any thread. Callbacks of
// `then` run on the client's own thread and must not block it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "troupe/error.hpp"
#include "libruntime/ids.hpp"
#include "libruntime/protocol/messages.hpp"
#include "libruntime/task_spec.hpp"
#include "libruntime/value.hpp"

namespace troupe {

namespace detail {

class client_session;
class job_handle;

// Keeps tasks [begin, end) of a job (by position) alive in the cluster: its destructor releases
// them. Keeps its client connected.
struct holder {
  std::shared_ptr<client_session> session;
  std::shared_ptr<job_handle> job;
  task_index begin = 0, end = 0;
  holder(std::shared_ptr<client_session> s, std::shared_ptr<job_handle> j, task_index b,
         task_index e);
  ~holder();
  // Tasks [first, last), by position.
  void wait(task_index first, task_index last) const;
  void cancel(task_index first, task_index last, std::string reason) const;
  holder(const holder&) = delete;
  holder& operator=(const holder&) = delete;
};

// The untyped half of a future; everything that does not depend on the result's type.
class task_handle {
 public:
  task_handle() = default;
  task_handle(std::shared_ptr<holder> h, task_index i) : holder_(std::move(h)), index_(i) {}

  bool valid() const { return holder_ != nullptr; }
  bool done() const;
  void wait() const;
  bool wait_until(std::chrono::steady_clock::time_point deadline) const;
  // Waits. The value, or why there is none.
  result<troupe::value> outcome() const;
  void on_done(std::function<void(const result<troupe::value>&)> callback) const;
  void cancel(std::string reason) const;
  // Waits until the cluster has given the job an id (or the job is refused: throws).
  task_id id() const;
  const std::shared_ptr<holder>& hold() const { return holder_; }
  task_index index() const { return index_; }

 private:
  std::shared_ptr<holder> holder_;
  task_index index_ = 0;
};

template <class R>
R decode_result(result<value> r) {
  if (!r) throw error(std::move(r.error()));
  if constexpr (std::is_same_v<R, value>) {
    return std::move(*r);
  } else if constexpr (std::is_same_v<R, exec_result>) {
    return value_or_throw(decode_exec_result(*r));
  } else if constexpr (!std::is_void_v<R>) {
    try {
      return r->template as<R>();
    } catch (const std::bad_cast& e) {  // msgpack::type_error
      throw error(failure{errc::invalid_argument, "the task's result is not of the type asked for",
                          e.what()});
    }
  }
}

}  // namespace detail

// The result of one task as an R (msgpack-able), troupe::value (undecoded) or void.
template <class R>
class future {
 public:
  future() = default;
  explicit future(detail::task_handle t) : task_(std::move(t)) {}

  bool valid() const { return task_.valid(); }
  bool done() const { return task_.done(); }
  // Waits for the result. Throws troupe::error with the task's failure.
  R get() const { return detail::decode_result<R>(task_.outcome()); }
  void wait() const { task_.wait(); }
  // False if the time passed first.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> d) const {
    return task_.wait_until(std::chrono::steady_clock::now() +
                            std::chrono::duration_cast<std::chrono::steady_clock::duration>(d));
  }
  // The failure of a task that has failed; waits.
  std::optional<failure> error() const {
    auto r = task_.outcome();
    return r ? std::nullopt : std::optional<failure>(r.error());
  }
  // Calls f(*this) once the task is over: at once if it already is, else on the client's thread.
  template <class F>
  void then(F f) const {
    task_.on_done([self = *this, f = std::move(f)](const result<value>&) mutable { f(self); });
  }
  // Asks the cluster to end the task; get() then throws errc::cancelled, unless it was faster.
  void cancel(std::string reason = "cancelled by its client") const {
    task_.cancel(std::move(reason));
  }
  task_id id() const { return task_.id(); }
  const detail::task_handle& handle() const { return task_; }

 private:
  detail::task_handle task_;
};

// The results of a map, in the order of its arguments. One allocation however many tasks.
template <class R>
class futures {
 public:
  futures() = default;
  futures(std::shared_ptr<detail::holder> h, task_index first, std::size_t n)
      : holder_(std::move(h)), first_(first), size_(n) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  future<R> operator[](std::size_t i) const {
    return future<R>(detail::task_handle(holder_, first_ + static_cast<task_index>(i)));
  }
  void wait() const {
    if (size_ > 0) holder_->wait(first_, last());
  }
  // All results in order. Throws the first failure (by position).
  auto get() const {
    if constexpr (std::is_void_v<R>) {
      for (std::size_t i = 0; i < size_; ++i) (*this)[i].get();
    } else {
      std::vector<R> out;
      out.reserve(size_);
      for (std::size_t i = 0; i < size_; ++i) out.push_back((*this)[i].get());
      return out;
    }
  }
  void cancel(std::string reason = "cancelled by its client") const {
    if (size_ > 0) holder_->cancel(first_, last(), std::move(reason));
  }

  class iterator {
   public:
    using value_type = future<R>;
    using difference_type = std::ptrdiff_t;
    iterator(const futures* f, std::size_t i) : futures_(f), i_(i) {}
    future<R> operator*() const { return (*futures_)[i_]; }
    iterator& operator++() { return ++i_, *this; }
    bool operator==(const iterator& other) const { return i_ == other.i_; }

   private:
    const futures* futures_;
    std::size_t i_;
  };
  iterator begin() const { return {this, 0}; }
  iterator end() const { return {this, size_}; }

 private:
  task_index last() const { return first_ + static_cast<task_index>(size_); }

  std::shared_ptr<detail::holder> holder_;
  task_index first_ = 0;
  std::size_t size_ = 0;
};

// Hands out futures in the order in which they end:
//   for (auto done = as_completed(fs); auto f = done.next();) use(f->get());
template <class R>
class completion_queue {
 public:
  template <class Range>
  explicit completion_queue(const Range& range) : shared_(std::make_shared<shared>()) {
    for (const future<R>& f : range) {
      ++left_;
      f.then([s = shared_](const future<R>& f) {
        std::lock_guard lock(s->mutex);
        s->ready.push_back(f);
        s->changed.notify_one();
      });
    }
  }
  // Waits for the next one; nothing when all have been handed out.
  std::optional<future<R>> next() {
    if (left_ == 0) return std::nullopt;
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return !shared_->ready.empty(); });
    auto f = std::move(shared_->ready.front());
    shared_->ready.pop_front();
    --left_;
    return f;
  }

 private:
  struct shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<future<R>> ready;
  };
  std::shared_ptr<shared> shared_;
  std::size_t left_ = 0;
};

template <class R>
completion_queue<R> as_completed(const futures<R>& fs) {
  return completion_queue<R>(fs);
}
template <class R>
completion_queue<R> as_completed(const std::vector<future<R>>& fs) {
  return completion_queue<R>(fs);
}

}  // namespace troupe
