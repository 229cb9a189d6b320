// Private to net/: the answer that a handler owes. Whoever is first answers: the handler, the
// deadline, or the last copy of the reply function going away unused.
#pragma once

#include <atomic>
#include <functional>

#include "net/connection.hpp"

namespace troupe::net {

class connection::pending_reply {
 public:
  pending_reply(std::shared_ptr<io_pool> pool, io_executor executor,
                std::function<void(http_response)> send)
      : pool_(std::move(pool)), executor_(executor), send_(std::move(send)) {}

  ~pending_reply() {
    http_response r;
    r.status = 500;
    r.body = "The request was dropped without an answer.\n";
    answer(std::move(r));
  }

  // From any thread; the first call counts.
  void answer(http_response response) {
    if (answered_.exchange(true)) return;
    auto send = std::move(send_);
    send_ = nullptr;
    // After the loops have stopped nobody would run, or free, what is posted.
    if (pool_->stopped()) return;
    asio::post(executor_, [send = std::move(send), response = std::move(response)]() mutable {
      send(std::move(response));
    });
  }

 private:
  const std::shared_ptr<io_pool> pool_;
  const io_executor executor_;
  std::function<void(http_response)> send_;
  std::atomic<bool> answered_{false};
};

}  // namespace troupe::net
