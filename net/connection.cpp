// A connection's way in: first byte, TLS, requests. Its answers are in connection_answer.cpp.
#include "net/connection.hpp"

#include <sys/socket.h>

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "net/pending_reply.hpp"
#include "net/websocket_link.hpp"

namespace troupe::net {

namespace {

constexpr unsigned char tls_handshake_record = 0x16;
constexpr std::size_t first_read_bytes = 4096;

http_response plain_answer(unsigned status, std::string text) {
  http_response r;
  r.status = status;
  r.body = std::move(text) + "\n";
  return r;
}

std::string text_of(beast::string_view s) {
  return {s.data(), s.size()};
}

}  // namespace

void listener_shared::refuse(const std::string& address, const failure& why) {
  ++refused;
  if (handlers.on_refused && !stopped) handlers.on_refused(address, why);
}

void listener_shared::welcome(std::shared_ptr<link> opened) {
  ++links;
  if (stopped || !handlers.on_link)
    return opened->close({errc::unavailable, "this port takes no more links", {}});
  try {
    handlers.on_link(opened);
  } catch (const std::exception& e) {
    opened->close({errc::internal, std::string("taking the link: ") + e.what(), {}});
  }
}

connection::connection(std::shared_ptr<listener_shared> shared, tcp_socket socket,
                       std::string address, std::shared_ptr<admission::ticket> ticket)
    : shared_(std::move(shared)),
      address_(std::move(address)),
      executor_(socket.get_executor()),
      stream_(std::move(socket)),
      deadline_(
          executor_, [this] { return shared_from_this(); }, [this] { on_deadline(); }),
      ticket_(std::move(ticket)) {}

void connection::begin() {
  entry_ = shared_->pool->add(weak_from_this());
  if (!entry_ || shared_->stopped) return close();
  shared_->gate->watch(*ticket_, weak_from_this());
  handshake_by_ = clock::now() + shared_->settings.handshake_deadline;
  deadline_.set(handshake_by_);
  if (!shared_->tls) return read_head();
  // Nothing is spent on TLS before the first byte says that it is TLS.
  stream_.socket().async_wait(tcp_socket::wait_read, [self = shared_from_this()](error_code error) {
    if (self->phase_ != phase::opening) return;
    if (error) return self->close();
    self->look_at_first_byte();
  });
}

void connection::look_at_first_byte() {
  unsigned char first = 0;
  const auto n = ::recv(stream_.socket().native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n == 1 && first == tls_handshake_record) return shake_hands();
  if (n == 1 && first >= 'A' && first <= 'Z') return explain_tls();
  fail_opening({errc::protocol, n == 1 ? "what it sends is not TLS" : "it said nothing", {}});
}

// Somebody's browser or scraper, most likely: say what is wrong.
void connection::explain_tls() {
  shared_->refuse(address_, {errc::protocol, "plain HTTP on a port that speaks TLS", {}});
  respond(plain_answer(400, "This port speaks TLS: use https:// and a certificate of the cluster."),
          false);
}

void connection::shake_hands() {
  stream_.use_tls(shared_->tls);
  stream_.async_handshake(ssl::stream_base::server, [self = shared_from_this()](error_code error) {
    if (self->phase_ != phase::opening) return;
    if (!error) return self->on_secured();
    self->shared_->refuse(self->address_, socket_failure(error, "handshake"));
    // Closing at once could make the system drop the alert that tells the peer why.
    self->linger();
  });
}

void connection::on_secured() {
  auto who = peer_identity(stream_.tls());
  if (!who) return fail_opening(who.error());
  identity_ = std::move(*who);
  read_head();
}

// ---- requests ---------------------------------------------------------------------------------

void connection::await_request() {
  if (buffer_.size() > 0) {
    deadline_.set(shared_->settings.http_read_deadline);
    return read_head();
  }
  deadline_.set(shared_->settings.http_idle_deadline);
  stream_.async_read_some(buffer_.prepare(first_read_bytes),
                          [self = shared_from_this()](error_code error, std::size_t n) {
                            if (self->phase_ != phase::serving) return;
                            if (error) return self->close();
                            self->buffer_.commit(n);
                            self->deadline_.set(self->shared_->settings.http_read_deadline);
                            self->read_head();
                          });
}

void connection::read_head() {
  parser_.emplace();
  parser_->header_limit(shared_->settings.http_max_header_bytes);
  parser_->body_limit(shared_->settings.http_max_body_bytes);
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](error_code error, std::size_t) { self->on_head(error); });
}

void connection::on_head(error_code error) {
  if (phase_ != phase::opening && phase_ != phase::serving) return;
  const bool first = phase_ == phase::opening;
  if (error && first && !parser_->got_some())
    return fail_opening(socket_failure(error, "reading the first request"));
  phase_ = phase::serving;
  ticket_->settled();
  if (error) return refuse_reading(error);
  head_request_ = parser_->get().method() == http::verb::head;
  const auto path = parser_->get().target().substr(0, parser_->get().target().find('?'));
  if (shared_->options.links && path == "/link") return become_link();
  deadline_.set(shared_->settings.http_read_deadline);
  if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
    auto go_on = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
    http::async_write(stream_, *go_on,
                      [self = shared_from_this(), go_on](error_code failed, std::size_t) {
                        if (self->phase_ != phase::serving) return;
                        if (failed) return self->close();
                        self->read_body();
                      });
    return;
  }
  read_body();
}

void connection::read_body() {
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](error_code error, std::size_t) { self->on_body(error); });
}

void connection::on_body(error_code error) {
  if (phase_ != phase::serving) return;
  if (error) return refuse_reading(error);
  if (shared_->stopped) return close();
  if (auto no = objection()) return respond(std::move(*no), parser_->get().keep_alive());
  hand_over();
}

// What is wrong with a well-formed request, before any handler sees it.
std::optional<http_response> connection::objection() const {
  const auto target = text_of(parser_->get().target());
  if (target.empty() || target.front() != '/')
    return plain_answer(400, "A request's target must be a path.");
  if (!percent_decode(std::string_view(target).substr(0, target.find('?'))))
    return plain_answer(400, "The path holds a malformed percent escape.");
  if (!shared_->handlers.on_request) return plain_answer(404, "Nothing is served here.");
  return {};
}

void connection::hand_over() {
  auto message = parser_->release();
  keep_ = message.keep_alive();
  http_request r;
  r.method = text_of(message.method_string());
  r.target = text_of(message.target());
  const auto mark = std::min(r.target.find('?'), r.target.size());
  r.path = *percent_decode(std::string_view(r.target).substr(0, mark));
  r.query = mark < r.target.size() ? r.target.substr(mark + 1) : "";
  for (const auto& field : message)
    r.headers.emplace_back(text_of(field.name_string()), text_of(field.value()));
  r.body = std::move(message.body());
  r.identity = identity_;
  r.remote_address = address_;
  ++shared_->requests;
  deadline_.set(shared_->settings.http_answer_deadline);
  auto pending = std::make_shared<pending_reply>(
      shared_->pool, executor_,
      [self = shared_from_this()](http_response a) { self->respond(std::move(a), self->keep_); });
  reply_ = pending;
  try {
    shared_->handlers.on_request(
        std::move(r), [pending](http_response answer) { pending->answer(std::move(answer)); });
  } catch (const std::exception& e) {
    pending->answer(plain_answer(500, std::string("The request failed: ") + e.what()));
  }
}

void connection::become_link() {
  namespace websocket = beast::websocket;
  auto message = parser_->release();
  if (message.method() != http::verb::get) {
    auto no = plain_answer(405, "A link is opened with GET.");
    no.headers.emplace_back("Allow", "GET");
    return respond(std::move(no), false);
  }
  if (!websocket::is_upgrade(message)) {
    auto no = plain_answer(426, "A link is a WebSocket: the request must ask for an upgrade.");
    no.headers.emplace_back("Upgrade", "websocket");
    return respond(std::move(no), false);
  }
  if (buffer_.size() > 0)
    return respond(plain_answer(400, "Nothing may follow the request before its answer."), false);
  phase_ = phase::closed;  // of this object; the stream lives on
  deadline_.clear();
  link_seed seed{std::move(stream_), peer_info{identity_, address_}, shared_->settings,
                 handshake_by_, std::move(ticket_)};
  auto shared = shared_;
  entry_ = {};
  websocket_link::accept(shared->pool, std::move(seed), std::move(message),
                         [shared, address = address_](result<std::shared_ptr<link>> opened) {
                           if (!opened) return shared->refuse(address, opened.error());
                           shared->welcome(std::move(*opened));
                         });
}

void connection::refuse_reading(error_code error) {
  if (error == http::error::header_limit)
    return respond(plain_answer(431, "The header of the request is too large."), false);
  if (error == http::error::body_limit)
    return respond(
        plain_answer(413, "The body is over the limit of " +
                              std::to_string(shared_->settings.http_max_body_bytes) + " bytes."),
        false);
  const bool malformed = error.category() == error_code(http::error::bad_method).category() &&
                         error != http::error::end_of_stream &&
                         error != http::error::partial_message;
  if (malformed) return respond(plain_answer(400, "Not HTTP: " + error.message() + "."), false);
  close();
}

}  // namespace troupe::net
