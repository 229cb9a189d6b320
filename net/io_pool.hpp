// Private to net/: the event loops behind `io`, one a thread, and the register of everything that
// has to be closed when they stop. Shared by all that lives on the loops, so it outlives them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "libruntime/failure.hpp"
#include "net/asio.hpp"

namespace troupe::net {

// Something with pending operations. stop_now() comes from any thread and must make them end soon.
class stoppable {
 public:
  virtual ~stoppable() = default;
  virtual void stop_now(const failure& why) = 0;
};

class io_pool : public std::enable_shared_from_this<io_pool> {
 public:
  // One entry of the register; leaves it when destroyed. Empty: the pool has stopped.
  class registration {
   public:
    registration() = default;
    registration(std::shared_ptr<io_pool> pool, std::uint64_t id)
        : pool_(std::move(pool)), id_(id) {}
    registration(registration&& other) noexcept { swap(other); }
    registration& operator=(registration&& other) noexcept {
      registration(std::move(other)).swap(*this);
      return *this;
    }
    ~registration();
    explicit operator bool() const { return id_ != 0; }

   private:
    void swap(registration& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(id_, other.id_);
    }
    std::shared_ptr<io_pool> pool_;
    std::uint64_t id_ = 0;
  };

  explicit io_pool(std::size_t threads);
  ~io_pool();

  void start();
  void stop();
  void join();
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  void post_apart(std::function<void()> fn);
  void hand_over();
  bool on_first_thread() const;

  asio::io_context& first() { return loops_.front()->context; }
  asio::io_context& next();  // round robin

  registration add(std::weak_ptr<stoppable> what);

 private:
  struct loop {
    loop() : context(1), work(context.get_executor()) {}
    asio::io_context context;
    asio::executor_work_guard<io_executor> work;
    std::atomic<std::uint64_t> driver{0};  // its thread's number: the latest that was started for it
  };
  struct loop_thread {
    std::thread thread;
    bool ended = false;
  };
  void drive(loop& l);  // starts a thread that does; with mutex_ held
  void run(loop& l, std::uint64_t number);
  void remove(std::uint64_t id);

  std::vector<std::unique_ptr<loop>> loops_;
  std::atomic<std::size_t> round_{0};
  std::atomic<bool> stopped_{false};

  std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  std::list<loop_thread> threads_;
  std::size_t running_ = 0;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, std::weak_ptr<stoppable>> register_;
};

}  // namespace troupe::net
