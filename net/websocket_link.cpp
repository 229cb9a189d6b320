// The link's life: upgrade, reading, deadlines, closing. Its outgoing half is
// websocket_link_send.cpp.
#include "net/websocket_link.hpp"

#include <algorithm>

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "net/close_reason.hpp"
#include "net/tls.hpp"

namespace troupe::net {

namespace websocket_ns = beast::websocket;

namespace {

// Whoever dialled has to mask what it sends, and does so by buffers of this size. The largest frame of joined
// messages fits in one, and with its header fills no more TLS records than leave in one turn.
constexpr std::size_t mask_buffer_bytes = 17 * 16384 - 14;
constexpr auto longest_tick = std::chrono::seconds{5};
// After a large frame its memory is kept only while frames stay large.
constexpr std::size_t keep_frame_bytes = 65536;

}  // namespace

websocket_link::websocket_link(std::shared_ptr<io_pool> pool, link_seed seed)
    : pool_(std::move(pool)),
      settings_(seed.settings),
      peer_(std::move(seed.peer)),
      socket_(std::move(seed.stream)),
      timer_(socket_.get_executor()),
      handshake_by_(seed.handshake_by),
      admitted_(std::move(seed.admitted)) {
  socket_.binary(true);
  socket_.auto_fragment(false);
  socket_.read_message_max(max_frame_bytes);
  socket_.write_buffer_bytes(mask_buffer_bytes);
  received_ = sent_ = clock::now();
}

// ---- upgrade ----------------------------------------------------------------------------------

bool websocket_link::begin(link_callback callback) {
  upgraded_ = std::move(callback);
  entry_ = pool_->add(weak_from_this());
  if (!entry_) {
    finish(failure{errc::unavailable, "this process is stopping", {}});
    return false;
  }
  // Pings, pongs and closing frames are signs of life like any other frame.
  socket_.control_callback(
      [this](websocket_ns::frame_type, beast::string_view) { received_ = clock::now(); });
  tick();
  return true;
}

void websocket_link::accept(std::shared_ptr<io_pool> pool, link_seed seed, upgrade_request request,
                            link_callback callback) {
  auto self = std::make_shared<websocket_link>(std::move(pool), std::move(seed));
  if (!self->begin(std::move(callback))) return;
  self->socket_.async_accept(request,
                             [self](error_code error) { self->on_upgraded(error, nullptr); });
}

void websocket_link::handshake(std::shared_ptr<io_pool> pool, link_seed seed,
                               const std::string& host, link_callback callback) {
  auto self = std::make_shared<websocket_link>(std::move(pool), std::move(seed));
  if (!self->begin(std::move(callback))) return;
  self->socket_.async_handshake(self->answer_, host, "/link", [self](error_code error) {
    self->on_upgraded(error, &self->answer_);
  });
}

void websocket_link::on_upgraded(error_code error, const upgrade_response* answer) {
  if (closed_) return;
  if (error == websocket_ns::error::upgrade_declined && answer) {
    const auto status = static_cast<unsigned>(answer->result_int());
    return finish(
        {status == 403 ? errc::forbidden : errc::unavailable,
         peer_.address + " refuses the link: " + std::to_string(status) + " " + answer->body(),
         {}});
  }
  if (error) return finish(socket_failure(error, "opening the link with " + peer_.address));
  upgrade_done_ = true;
  // The listener's deadline covers the hello too; whoever connects waits for it afresh.
  if (answer) handshake_by_ = clock::now() + settings_.handshake_deadline;
  std::exchange(upgraded_, nullptr)(shared_from_this());
}

// ---- reading ----------------------------------------------------------------------------------

// After the loops have stopped there is nothing left to do, and what is posted would never be
// freed.
template <class F>
void websocket_link::on_io_thread(F&& f) {
  if (socket_.get_executor().running_in_this_thread())
    f();
  else if (!pool_->stopped())
    asio::post(socket_.get_executor(), std::forward<F>(f));
}

void websocket_link::post(std::function<void()> fn) {
  if (!pool_->stopped()) asio::post(socket_.get_executor(), std::move(fn));
}

void websocket_link::start(link_handlers handlers) {
  on_io_thread([self = shared_from_this(), handlers = std::move(handlers)]() mutable {
    self->handlers_ = std::move(handlers);
    self->started_ = true;
    if (self->closed_) return self->report_closed();
    self->received_ = clock::now();
    // What clients submit goes before what workers report, so that there is something to give them
    // (docs/adr/0019-clients-are-read-first.md).
    const auto& identity = self->peer_.identity;
    if (identity && identity->role == protocol::role::client) self->socket_.next_layer().read_eagerly();
    self->read_next();
  });
}

void websocket_link::resume_reading() {
  if (!paused_.exchange(false)) return;
  on_io_thread([self = shared_from_this()] {
    self->received_ = clock::now();  // what came meanwhile has only not been read
    self->read_next();
  });
}

void websocket_link::read_next() {
  if (reading_ || !started_ || paused_.load() || closing_ || closed_) return;
  reading_ = true;
  socket_.async_read(
      frame_, [self = shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
}

void websocket_link::on_read(error_code error) {
  if (closed_) return;
  if (error) return finish(closing_ ? *closing_ : read_failure(error));
  received_ = clock::now();
  if (closing_) return;
  if (!socket_.got_binary())
    return begin_close({errc::protocol, peer_.address + " sent a text frame", {}});
  deliver();
  reading_ = false;  // not before: the handler may resume reading while its frame is in use
  read_next();
}

void websocket_link::deliver() {
  const auto bytes = frame_.data();
  const auto size = bytes.size();
  if (size > 0 && handlers_.on_frame)
    guarded("handling a frame", [&] {
      handlers_.on_frame({static_cast<const std::byte*>(bytes.data()), size});
    });
  frame_.consume(size);
  if (frame_.capacity() > keep_frame_bytes && size < frame_.capacity() / 8) frame_.shrink_to_fit();
}

void websocket_link::report_drained() {
  if (!handlers_.on_drained || closing_ || closed_) return;
  guarded("sending on", [&] { handlers_.on_drained(); });
}

// An exception of a handler ends its link and nothing else.
template <class F>
void websocket_link::guarded(const char* doing, F&& handler) {
  try {
    handler();
  } catch (const std::exception& e) {
    begin_close({errc::internal, std::string(doing) + ": " + e.what(), {}});
  }
}

failure websocket_link::read_failure(error_code error) const {
  const auto doing = "the link with " + peer_.address;
  if (error == websocket_ns::error::closed) return decode_close_reason(socket_.reason(), doing);
  if (error == websocket_ns::error::message_too_big)
    return {errc::too_large, doing + ": it sent a frame of more than 1 MiB", {}};
  if (error.category() == error_code(websocket_ns::error::closed).category())
    return {errc::protocol, doing + ": " + error.message(), {}};
  return socket_failure(error, doing);
}

// ---- closing ----------------------------------------------------------------------------------

void websocket_link::close(failure reason) {
  {
    std::lock_guard lock(mutex_);
    accepting_ = false;
  }
  on_io_thread([self = shared_from_this(), reason = std::move(reason)]() mutable {
    self->begin_close(std::move(reason));
  });
}

void websocket_link::begin_close(failure reason) {
  if (closing_ || closed_) return;
  closing_ = std::move(reason);
  close_by_ = clock::now() + settings_.close_deadline;
  bool idle = false;
  {
    std::lock_guard lock(mutex_);
    accepting_ = false;
    idle = !writer_active_;
  }
  if (!upgrade_done_) return finish(*closing_);
  timer_.cancel();
  tick();
  if (idle) say_goodbye();  // else write_next() does when it has nothing left
}

void websocket_link::say_goodbye() {
  if (goodbye_said_ || closed_) return;
  goodbye_said_ = true;
  socket_.async_close(encode_close_reason(*closing_), [self = shared_from_this()](error_code) {
    // Whether the peer answered or not: it is over, for the reason that was given.
    if (!self->closed_) self->finish(*self->closing_);
  });
}

void websocket_link::finish(failure reason) {
  if (closed_) return;
  closed_ = std::move(reason);
  {
    std::lock_guard lock(mutex_);
    accepting_ = false;
    waiting_.clear();
    queued_ = 0;
  }
  timer_.cancel();
  socket_.next_layer().close();
  socket_.control_callback();
  admitted_.reset();
  if (upgraded_) std::exchange(upgraded_, nullptr)(tl::unexpected(*closed_));
  // Not from here: the caller may be inside a handler, or in send().
  if (started_)
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->report_closed(); });
}

void websocket_link::report_closed() {
  entry_ = {};
  const auto handlers = std::exchange(handlers_, {});  // and lets go of what they hold
  if (handlers.on_closed) handlers.on_closed(*closed_);
}

void websocket_link::stop_now(const failure& why) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), why] { self->finish(why); });
}

// ---- deadlines --------------------------------------------------------------------------------

// One timer a link looks at all deadlines a few times within the shortest of them, so that no
// message has to touch a timer.
void websocket_link::tick() {
  if (closed_) return;
  const auto now = clock::now();
  if (auto why = overdue(now)) return finish(std::move(*why));
  if (settings_.ping_interval > duration{} && now - sent_ >= settings_.ping_interval) ping(now);
  duration next = longest_tick;
  for (const auto d : {settings_.idle_deadline, settings_.ping_interval, settings_.write_deadline})
    if (d > duration{}) next = std::min(next, d / 4);
  if (!established_.load()) next = std::min(next, std::max(handshake_by_ - now, duration{1}));
  if (closing_) next = std::min(next, std::max(close_by_ - now, duration{1}));
  timer_.expires_at(now + next);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->tick();
  });
}

std::optional<failure> websocket_link::overdue(time_point now) const {
  const auto late = [this](const std::string& what) {
    return failure{errc::unavailable, "the link with " + peer_.address + ": " + what, {}};
  };
  if (closing_) return now >= close_by_ ? closing_ : std::nullopt;
  if (!established_.load() && now >= handshake_by_)
    return late("it did not introduce itself in time");
  if (!writing_.empty() && now - write_begun_ >= settings_.write_deadline)
    return late("it does not read what it is sent");
  const bool listening = started_ && !paused_.load();
  if (settings_.idle_deadline > duration{} && listening &&
      now - received_ >= settings_.idle_deadline)
    return late("nothing was heard from it for " +
                std::to_string(to_seconds(settings_.idle_deadline)) + " s");
  return {};
}

void websocket_link::ping(time_point now) {
  if (pinging_ || !upgrade_done_ || closing_) return;
  pinging_ = true;
  sent_ = now;
  socket_.async_ping({}, [self = shared_from_this()](error_code) {
    self->pinging_ = false;  // a link that is broken is noticed by reading
  });
}

}  // namespace troupe::net
