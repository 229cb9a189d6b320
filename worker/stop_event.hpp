// A descriptor that becomes readable when a task is asked to stop: what waits in poll() hears of it.
#pragma once

#include <sys/eventfd.h>

#include <functional>
#include <stop_token>

#include "libruntime/task_context.hpp"
#include "worker/unique_fd.hpp"

namespace troupe::worker {

class stop_event {
 public:
  explicit stop_event(const stop_control& stop)
      : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), callback_(stop.token(), [this] { raise(); }) {}

  int fd() const { return fd_.get(); }

 private:
  void raise() { eventfd_write(fd_.get(), 1); }

  unique_fd fd_;
  std::stop_callback<std::function<void()>> callback_;
};

}  // namespace troupe::worker
