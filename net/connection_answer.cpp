// A connection's way out: answers, the end after them, deadlines. The way in is connection.cpp.
#include <ctime>

#include <boost/beast/http/write.hpp>

#include "net/connection.hpp"
#include "net/pending_reply.hpp"

namespace troupe::net {

namespace {

constexpr std::size_t max_discarded_bytes = std::size_t{16} << 20;
constexpr auto linger_deadline = std::chrono::seconds{1};

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

// A line break in a header would begin another header.
bool fits_header(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

// What a handler may answer with; anything else is its mistake.
unsigned checked_status(unsigned status) {
  return status >= 200 && status <= 599 ? status : 500;
}

bool allows_body(unsigned status) {
  return status != 204 && status != 304;
}

}  // namespace

void connection::respond(http_response response, bool keep) {
  if (phase_ == phase::closed || phase_ == phase::lingering) return;
  phase_ = phase::serving;
  reply_.reset();
  ticket_->settled();
  keep_ = keep && !shared_->stopped;
  auto& message = response_.emplace();
  message.version(11);
  message.result(checked_status(response.status));
  message.set(http::field::server, "troupe");
  message.set(http::field::date, http_date());
  for (const auto& [name, value] : response.headers)
    if (fits_header(name) && fits_header(value)) message.insert(name, value);
  if (allows_body(response.status)) {
    if (fits_header(response.content_type))
      message.set(http::field::content_type, response.content_type);
    message.content_length(response.body.size());
    if (!head_request_) message.body() = std::move(response.body);
  }
  message.keep_alive(keep_);
  serializer_.emplace(message);
  write_part();
}

// Part by part, so that the deadline is about progress and not about size.
void connection::write_part() {
  deadline_.set(shared_->settings.write_deadline);
  http::async_write_some(
      stream_, *serializer_,
      [self = shared_from_this()](error_code error, std::size_t) { self->on_part(error); });
}

void connection::on_part(error_code error) {
  if (phase_ != phase::serving) return;
  if (error) return close();
  if (!serializer_->is_done()) return write_part();
  after_response();
}

void connection::after_response() {
  serializer_.reset();
  response_.reset();
  head_request_ = false;
  if (!keep_) return linger();
  parser_.reset();
  await_request();
}

// Ends the sending half and reads what the peer still has to say, for a moment: closing with unread
// bytes would make the system throw away an answer that the peer has not read yet.
void connection::linger() {
  phase_ = phase::lingering;
  ticket_->settled();
  deadline_.set(linger_deadline);
  if (auto* tls = stream_.tls(); tls && SSL_is_init_finished(tls)) {
    stream_.async_shutdown([self = shared_from_this()](error_code) {
      if (self->phase_ != phase::lingering) return;
      self->stream_.shutdown_send();
      self->discard();
    });
    return;
  }
  stream_.shutdown_send();
  discard();
}

void connection::discard() {
  buffer_.clear();
  stream_.socket().async_read_some(buffer_.prepare(16384),
                                   [self = shared_from_this()](error_code error, std::size_t n) {
                                     if (self->phase_ != phase::lingering) return;
                                     self->discarded_ += n;
                                     if (error || self->discarded_ > max_discarded_bytes)
                                       return self->close();
                                     self->discard();
                                   });
}

void connection::fail_opening(failure why) {
  shared_->refuse(address_, why);
  close();
}

void connection::on_deadline() {
  if (phase_ == phase::opening)
    return fail_opening({errc::unavailable, "it did not say what it wants in time", {}});
  if (const auto owed = reply_.lock()) {
    http_response late;
    late.status = 503;
    late.body = "The request was not answered in time.\n";
    deadline_.set(shared_->settings.write_deadline);
    reply_.reset();
    return owed->answer(std::move(late));
  }
  close();
}

void connection::close() {
  if (phase_ == phase::closed) return;
  phase_ = phase::closed;
  deadline_.clear();
  stream_.close();
  ticket_.reset();
  entry_ = {};
}

void connection::stop_now(const failure& why) {
  asio::post(executor_, [self = shared_from_this(), why] {
    if (self->phase_ == phase::opening)
      self->fail_opening(why);
    else
      self->close();
  });
}

}  // namespace troupe::net
