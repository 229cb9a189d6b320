// The link's outgoing half: a queue of frames to be, and one write at a time. A message that finds
// the link idle is written at once, on the caller's thread if that is the io thread; what comes
// while a write is under way is joined to the next frame.
#include <boost/beast/websocket/rfc6455.hpp>

#include "net/tls.hpp"
#include "net/websocket_link.hpp"

namespace troupe::net {

namespace {

// Up to this size a message is copied into memory that is at hand; a larger one keeps its own.
constexpr std::size_t copy_below = 4096;

}  // namespace

result<void> websocket_link::send(std::string message) {
  if (message.size() > max_frame_bytes)
    return fail(errc::too_large, "a message of " + std::to_string(message.size()) +
                                     " bytes is over the limit of " +
                                     std::to_string(max_frame_bytes));
  if (message.empty()) return {};
  bool too_much = false;
  {
    std::lock_guard lock(mutex_);
    if (!accepting_)
      return fail(errc::unavailable, "the link with " + peer_.address + " is closed");
    too_much = queued_bytes() + message.size() > settings_.max_queued_bytes;
    if (too_much) {
      accepting_ = false;
    } else {
      enqueue(std::move(message));
      if (std::exchange(writer_active_, true)) return {};  // it will see the message
    }
  }
  if (too_much) {
    failure why{errc::overloaded,
                "the link with " + peer_.address + ": more than " +
                    std::to_string(settings_.max_queued_bytes) + " bytes wait for it",
                {}};
    asio::post(socket_.get_executor(), [self = shared_from_this(), why] { self->finish(why); });
    return tl::unexpected(std::move(why));
  }
  if (socket_.get_executor().running_in_this_thread())
    write_next();
  else
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->write_next(); });
  return {};
}

void websocket_link::enqueue(std::string&& message) {
  const auto now_queued =
      queued_.fetch_add(message.size(), std::memory_order_relaxed) + message.size();
  if (now_queued > settings_.low_water_bytes) was_above_low_water_ = true;
  if (!waiting_.empty() && waiting_.back().size() + message.size() <= settings_.coalesce_bytes) {
    waiting_.back() += message;
  } else if (message.size() < copy_below && spare_.capacity() > 0) {
    waiting_.push_back(std::exchange(spare_, {}));
    waiting_.back().assign(message);
  } else {
    waiting_.push_back(std::move(message));
  }
}

void websocket_link::write_next() {
  {
    std::lock_guard lock(mutex_);
    if (!closed_ && !waiting_.empty()) {
      writing_ = std::move(waiting_.front());
      waiting_.pop_front();
    } else {
      writer_active_ = false;
    }
  }
  if (writing_.empty()) {
    if (closing_) say_goodbye();
    return;
  }
  write_begun_ = clock::now();
  socket_.async_write(
      asio::buffer(writing_),
      [self = shared_from_this()](error_code error, std::size_t) { self->on_written(error); });
}

void websocket_link::on_written(error_code error) {
  if (closed_) return writing_.clear();
  if (error)
    return finish(closing_ ? *closing_ : socket_failure(error, "the link with " + peer_.address));
  sent_ = clock::now();
  bool drained = false;
  {
    std::lock_guard lock(mutex_);
    const auto left =
        queued_.fetch_sub(writing_.size(), std::memory_order_relaxed) - writing_.size();
    drained = was_above_low_water_ && left < settings_.low_water_bytes;
    if (drained) was_above_low_water_ = false;
    writing_.clear();
    if (writing_.capacity() <= settings_.coalesce_bytes * 2) std::swap(spare_, writing_);
  }
  write_next();
  if (drained) report_drained();
}

}  // namespace troupe::net
