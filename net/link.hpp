// The link: how two processes of a cluster speak. WebSocket over mutual TLS, binary frames of whole
// messages; what a message means is not known here. Made by listener (on the head) and connect()
// (elsewhere). Abstract, so that tests can put something simpler in its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "libruntime/failure.hpp"
#include "net/certificates.hpp"
#include "net/io.hpp"
#include "net/settings.hpp"

namespace troupe::net {

struct peer_info {
  std::optional<net::identity> identity;  // from its certificate; absent without TLS
  std::string address;                    // "127.0.0.1:40312"

  bool encrypted() const { return identity.has_value(); }
};

// Called on the link's io thread, one at a time. They must not block. One that throws closes its
// link with the exception's words.
struct link_handlers {
  // One frame: one or more messages back to back, exactly as the peer's send() calls were joined.
  // The bytes are valid until the function returns. Perhaps within start() or resume_reading().
  std::function<void(std::span<const std::byte>)> on_frame;
  // queued_bytes() was above the low-water mark and has fallen below it.
  std::function<void()> on_drained;
  // Exactly once, and nothing is called after it. The code is errc::none when either side closed
  // with it; otherwise the reason that was given to close() here or there, or what went wrong.
  std::function<void(const failure&)> on_closed;
};

// Thread-safe. Nothing is called before start() and frames are not read before it; messages may be
// sent before it. A link stays open until it is closed by one of the sides or by a limit, whether
// or not somebody holds a pointer to it; until established() it has
// net_settings::handshake_deadline.
class link {
 public:
  virtual ~link() = default;

  // Once. If the link has failed already, on_closed says so.
  virtual void start(link_handlers handlers) = 0;

  // Appends one message. It leaves at once when nothing is being written, else together with what
  // arrives meanwhile. Refused: too_large (above max_frame_bytes; the link stays open), unavailable
  // (closed or closing), overloaded (max_queued_bytes; the link is closed).
  virtual result<void> send(std::string message) = 0;

  // Bytes accepted by send() that the socket has not taken yet.
  virtual std::size_t queued_bytes() const = 0;

  // Backpressure on the peer: while paused no frame is read, so TCP stops it. At most one more
  // frame is delivered after pause_reading() (none if called on the io thread). Not for longer than
  // the peer's write_deadline when it has much to say.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  // The hello was accepted: lifts the handshake deadline.
  virtual void established() = 0;

  // Delivers no more frames, lets what is queued leave (at most close_deadline), tells the peer the
  // reason and ends with on_closed(reason). The first call counts.
  virtual void close(failure reason) = 0;
  void close() { close(failure{errc::none, {}, {}}); }

  // Runs `fn` on the link's io thread, in order; once the io is stopping it is dropped.
  virtual void post(std::function<void()> fn) = 0;

  virtual const peer_info& peer() const = 0;
};

struct connect_options {
  std::string host;  // name or address
  std::uint16_t port = 0;
  std::optional<tls_files> tls;                 // absent: plain, and only to a loopback address
  duration deadline = std::chrono::seconds{5};  // for names, TCP, TLS and WebSocket together
};

// Connects to a listener's /link. The peer must prove to be the head of the cluster whose authority
// is in `tls`. The callback runs once, on an io thread. Failures say which step failed: unavailable
// (worth trying again) or unauthenticated and forbidden (not worth it). After io::stop() nothing is
// begun and nobody called.
void connect(io& io, connect_options options, const net_settings& settings,
             std::function<void(result<std::shared_ptr<link>>)> callback);

}  // namespace troupe::net
