// Private to net/: a deadline that is moved often and reached rarely. Moving it later costs an
// assignment; the timer under it notices when it wakes.
#pragma once

#include <functional>

#include "net/asio.hpp"

namespace troupe::net {

// Belongs to one io thread. Its owner is kept alive by a set deadline until clear().
class deadline {
 public:
  deadline(io_executor executor, std::function<std::shared_ptr<void>()> owner,
           std::function<void()> on_reached)
      : timer_(executor), owner_(std::move(owner)), on_reached_(std::move(on_reached)) {}

  void set(time_point at) {
    at_ = at;
    if (!armed_ || at < armed_at_) arm();
  }
  void set(duration from_now) { set(clock::now() + from_now); }
  time_point at() const { return at_; }

  void clear() {
    at_ = time_point::max();
    armed_ = false;
    timer_.cancel();
  }

 private:
  void arm() {
    armed_ = true;
    armed_at_ = at_;
    timer_.expires_at(at_);  // ends a wait that is pending; it returns in wake() and does nothing
    timer_.async_wait([this, owner = owner_()](error_code error) {
      if (!error) wake();
    });
  }

  void wake() {
    armed_ = false;
    if (at_ == time_point::max()) return;
    if (clock::now() < at_) return arm();
    on_reached_();
  }

  steady_timer timer_;
  std::function<std::shared_ptr<void>()> owner_;
  std::function<void()> on_reached_;
  time_point at_ = time_point::max();
  time_point armed_at_{};
  bool armed_ = false;
};

}  // namespace troupe::net
