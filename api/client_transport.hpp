// What carries messages between a client's session and a head: a link (link_transport.cpp), or
// actors of this process (local_transport.cpp).
#pragma once

#include <chrono>
#include <string>

namespace troupe::detail {

class client_transport {
 public:
  virtual ~client_transport() = default;
  // There is something to take_outgoing(). Any thread; cheap when called often.
  virtual void wake() = 0;
  // Sends what is still to be sent (at most for `patience`), then ends; no callbacks after it.
  virtual void close(std::chrono::nanoseconds patience) = 0;
  // Whether the caller is what carries messages, and would wait for itself.
  virtual bool on_its_thread() const = 0;
  virtual const std::string& address() const = 0;
};

}  // namespace troupe::detail
