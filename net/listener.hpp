// A port that takes links and HTTP. Accepts, shakes hands, then looks at the first request: an
// upgrade at /link becomes a link, everything else goes to the HTTP handler. What does not say what
// it wants within the handshake deadline, or is one too many, is closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/http.hpp"
#include "net/link.hpp"

namespace troupe::net {

struct listen_options {
  std::string host = "127.0.0.1";  // name or address
  std::uint16_t port = 0;          // 0: any free one
  // Absent: no encryption, which is accepted on loopback addresses only.
  std::optional<tls_files> tls;
  bool links = true;  // false: /link is answered like any other path
};

// All on io threads, possibly on several at once; they must not block.
struct listen_handlers {
  // Call start() on it, or close() it; one that throws has its link closed.
  std::function<void(std::shared_ptr<link>)> on_link;
  http_handler on_request;  // absent: 404
  // A connection that came to nothing, for logs and counters; absent: not reported.
  std::function<void(const std::string& address, const failure&)> on_refused;
};

struct listen_counters {
  std::uint64_t accepted = 0;
  std::uint64_t links = 0;     // that reached /link
  std::uint64_t requests = 0;  // HTTP
  std::uint64_t refused = 0;   // handshakes that failed, broke a limit or took too long
  std::uint64_t out_of_descriptors = 0;
  std::uint64_t open = 0;  // now, links included
};

// Thread-safe.
class listener {
 public:
  // Failures name the address: in use, not permitted, no such host, not a loopback one without TLS.
  static result<std::unique_ptr<listener>> open(io& io, const listen_options& options,
                                                const net_settings& settings,
                                                listen_handlers handlers);
  virtual ~listener() = default;  // stop()

  virtual std::uint16_t port() const = 0;
  virtual std::string address() const = 0;  // "127.0.0.1:7400"
  virtual listen_counters counters() const = 0;

  // Frees the port, ends handshakes and HTTP connections. Links stay open: they are their owners'.
  // When it returns the port is free and no handler of this listener begins any more; one that runs
  // at this moment on an io thread may still be running.
  virtual void stop() = 0;
};

}  // namespace troupe::net
