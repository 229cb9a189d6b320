// Private to net/: one stream type for both plain TCP and TLS, so that WebSocket and HTTP code
// exists once in the program (an instantiation of it takes many seconds to compile). Also joins the
// small pieces of a write, because TLS would make a record, and a packet, of each.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>

#include "net/asio.hpp"

namespace troupe::net {

// The socket as TLS sees it. Eager is what is done within the call that asks for it, and has its completion
// there, if it can be done at once; else the event loop would come to it in its next turn.
class record_socket {
 public:
  using executor_type = io_executor;
  using lowest_layer_type = tcp_socket::lowest_layer_type;

  explicit record_socket(tcp_socket& socket) : socket_(socket) {
    error_code error;  // then nothing is eager, because it would wait
    socket_.non_blocking(true, error);
    may_be_eager_ = !error;
  }
  executor_type get_executor() { return socket_.get_executor(); }
  lowest_layer_type& lowest_layer() { return socket_.lowest_layer(); }

  // A record that another one follows is sent together with it, so that a peer that sleeps is woken for
  // all of a message and not for each of its records; and eagerly, because the peer of a link has nothing of
  // a frame until its last record.
  void more_follows(bool yes) { send_flags_ = yes ? MSG_MORE : 0; }

  // What has arrived is read eagerly, while that doesn't keep others waiting for long.
  void read_eagerly() { reads_eagerly_ = true; }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (reads_eagerly_ && take_turn<reads_left, eager_reads>())
      if (auto done = at_once([&](error_code& error) { return socket_.read_some(buffers, error); }))
        return complete(*done, std::forward<Handler>(handler));
    socket_.async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (send_flags_ != 0 && take_turn<writes_left, eager_writes>())
      if (auto done = at_once([&](error_code& error) { return socket_.send(buffers, send_flags_, error); }))
        return complete(*done, std::forward<Handler>(handler));
    socket_.async_send(buffers, send_flags_, std::forward<Handler>(handler));
  }

 private:
  // Of all sockets of an event loop together, until all else that is ready has had its turn. Each is a
  // completion within the one before it, and takes some stack; reads of no bytes count, by which Asio's TLS
  // has completions come later. So many writes and one more, the last, are the largest frame of joined messages.
  static constexpr int eager_reads = 8;
  static constexpr int eager_writes = 16;
  static int& reads_left() {
    thread_local int left = eager_reads;
    return left;
  }
  static int& writes_left() {
    thread_local int left = eager_writes;
    return left;
  }

  struct outcome {
    error_code error;
    std::size_t bytes = 0;
  };

  // The loop's thread may be another one by its next turn, with an allowance of its own.
  template <int& left(), int most>
  bool take_turn() {
    if (!may_be_eager_ || left() == 0) return false;
    if (left()-- == most) asio::post(get_executor(), [] { left() = most; });
    return true;
  }

  // Nothing if it can't be done now.
  template <class F>
  static std::optional<outcome> at_once(F operation) {
    outcome o;
    o.bytes = operation(o.error);
    if (o.error == asio::error::would_block || o.error == asio::error::interrupted) return std::nullopt;
    return o;
  }
  template <class Handler>
  void complete(const outcome& o, Handler&& handler) {
    asio::dispatch(get_executor(),
                   boost::beast::bind_handler(std::forward<Handler>(handler), o.error, o.bytes));
  }

  tcp_socket& socket_;
  int send_flags_ = 0;
  bool may_be_eager_ = false, reads_eagerly_ = false;
};

// Movable between operations. One read and one write may be pending at a time.
class any_stream {
 public:
  using executor_type = io_executor;
  using next_layer_type = tcp_socket;

  explicit any_stream(tcp_socket socket) : state_(std::make_unique<state>(std::move(socket))) {
    error_code ignored;  // a socket that is closed already says so on first use
    state_->socket.set_option(tcp::no_delay(true), ignored);
  }

  executor_type get_executor() { return state_->socket.get_executor(); }
  tcp_socket& socket() { return state_->socket; }
  tcp_socket& next_layer() { return state_->socket; }
  const tcp_socket& next_layer() const { return state_->socket; }

  // From here on bytes are encrypted. Call async_handshake before anything else.
  SSL* use_tls(std::shared_ptr<ssl::context> context) {
    state_->tls.emplace(state_->socket, *context);
    state_->context = std::move(context);
    return state_->tls->native_handle();
  }
  // Where bytes are encrypted; without that a read brings several records' worth anyway.
  void read_eagerly() {
    if (state_->tls) state_->tls->next_layer().read_eagerly();
  }
  SSL* tls() { return state_->tls ? state_->tls->native_handle() : nullptr; }

  template <class Handler>
  void async_handshake(ssl::stream_base::handshake_type side, Handler&& handler) {
    state_->tls->async_handshake(side, std::forward<Handler>(handler));
  }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (state_->tls)
      state_->tls->async_read_some(buffers, std::forward<Handler>(handler));
    else
      state_->socket.async_read_some(buffers, std::forward<Handler>(handler));
  }

  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (!state_->tls)
      return state_->socket.async_write_some(buffers, std::forward<Handler>(handler));
    state_->tls->next_layer().more_follows(asio::buffer_size(buffers) > record_bytes);
    state_->tls->async_write_some(one_record(buffers), std::forward<Handler>(handler));
  }

  // TLS's own goodbye; ends when the peer has said it too.
  template <class Handler>
  void async_shutdown(Handler&& handler) {
    state_->tls->async_shutdown(std::forward<Handler>(handler));
  }

  // Tells the peer that nothing more comes.
  void shutdown_send() {
    error_code ignored;  // it may be gone already
    state_->socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  // Pending operations end with operation_aborted.
  void close() {
    error_code ignored;  // nobody is left to tell
    state_->socket.close(ignored);
  }

 private:
  static constexpr std::size_t record_bytes = 16384;  // the most that one TLS record carries

  struct state {
    explicit state(tcp_socket s) : socket(std::move(s)) {}
    tcp_socket socket;
    std::shared_ptr<ssl::context> context;
    std::optional<ssl::stream<record_socket>> tls;
    std::unique_ptr<std::array<char, record_bytes>> joined;  // of the pending write
  };

  // The first record's worth of `buffers` in one piece, copied only if it isn't already.
  template <class Buffers>
  asio::const_buffer one_record(const Buffers& buffers) {
    auto at = asio::buffer_sequence_begin(buffers);
    const auto end = asio::buffer_sequence_end(buffers);
    while (at != end && asio::const_buffer(*at).size() == 0) ++at;
    if (at == end) return {};
    const asio::const_buffer first(*at);
    if (first.size() >= record_bytes || std::next(at) == end) return first;
    if (!state_->joined) state_->joined = std::make_unique<std::array<char, record_bytes>>();
    const auto n = asio::buffer_copy(asio::buffer(*state_->joined), buffers);
    return asio::buffer(state_->joined->data(), n);
  }

  std::unique_ptr<state> state_;
};

// Beast calls it after the closing frames of a WebSocket.
template <class Handler>
void async_teardown(boost::beast::role_type, any_stream& stream, Handler&& handler) {
  stream.shutdown_send();
  asio::post(stream.get_executor(),
             boost::beast::bind_handler(std::forward<Handler>(handler), error_code{}));
}

}  // namespace troupe::net
