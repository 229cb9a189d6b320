// The threads that sockets live on. Owns Asio's event loops, one a thread; links, listeners and
// HTTP calls are spread over them, and each stays on its loop for life, so none needs a lock for
// its own state. The only header of net/ that others need to run something "on the io thread".
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "libruntime/time.hpp"

namespace troupe::net {

class io_pool;  // private: Asio's types

// A timer that was started by io::after. Dropping the handle leaves it running.
class timer {
 public:
  timer() = default;
  // From any thread. Once it returns, the function will not begin; it may be running at this moment
  // if another thread cancels.
  void cancel();

 private:
  friend class io;
  struct state;
  explicit timer(std::shared_ptr<state> s) : state_(std::move(s)) {}
  std::shared_ptr<state> state_;
};

// Thread-safe, except that construction and destruction are the owner's. Functions given to it run
// on an io thread, must not block and must not throw (an exception that escapes one ends the
// process).
class io {
 public:
  explicit io(std::size_t threads = 1);
  ~io();  // stop() and join()
  io(const io&) = delete;
  io& operator=(const io&) = delete;

  // Runs `fn` on the first io thread. Functions posted from one thread run in order.
  // After stop() it is dropped.
  void post(std::function<void()> fn);

  // As post(), for a function that touches nothing else that lives here and may turn out to take long:
  // hand_over() lets the rest go on meanwhile.
  void post_apart(std::function<void()> fn);

  // While a function of post_apart() runs, once for each: a new thread becomes the first io thread, and
  // the old one ends with the function. From any thread; whoever calls it makes sure that the function
  // does not return meanwhile. After stop() everything waits for the function instead.
  void hand_over();

  // Whether the caller is the first io thread (and has not been handed over).
  bool on_first_thread() const;

  // Runs `fn` on the first io thread after `delay`, unless cancelled or stopped before.
  timer after(duration delay, std::function<void()> fn);

  // Closes everything that lives here: every open link gets its on_closed, every call its failure.
  // Nothing new starts. From any thread, any number of times.
  void stop();

  // Waits until the threads have ended. Not from an io thread.
  void join();

  const std::shared_ptr<io_pool>& pool() const { return pool_; }  // for net/ itself

 private:
  std::shared_ptr<io_pool> pool_;
};

}  // namespace troupe::net
