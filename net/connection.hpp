// Private to net/: one accepted connection of a listener, from its first byte until it is closed or
// has become a link. Lives on one io thread; kept alive by its pending operation and its deadline.
#pragma once

#include <atomic>
#include <optional>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>

#include "net/admission.hpp"
#include "net/deadline.hpp"
#include "net/io_pool.hpp"
#include "net/listener.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

namespace troupe::net {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// What all connections of one listener share.
struct listener_shared {
  std::shared_ptr<io_pool> pool;  // first: the loops outlive what lives on them
  listen_options options;
  net_settings settings;
  listen_handlers handlers;
  tls_context tls;  // null: plain
  std::shared_ptr<admission> gate;
  std::atomic<bool> stopped{false};
  std::atomic<std::uint64_t> accepted{0}, links{0}, requests{0}, refused{0}, out_of_descriptors{0};

  void refuse(const std::string& address, const failure& why);
  void welcome(std::shared_ptr<link> opened);
};

class connection : public stoppable, public std::enable_shared_from_this<connection> {
 public:
  connection(std::shared_ptr<listener_shared> shared, tcp_socket socket, std::string address,
             std::shared_ptr<admission::ticket> ticket);

  // On the socket's io thread.
  void begin();
  void stop_now(const failure& why) override;

 private:
  class pending_reply;
  enum class phase { opening, serving, lingering, closed };

  // From the first byte to the first request (connection.cpp).
  void look_at_first_byte();
  void explain_tls();
  void shake_hands();
  void on_secured();

  // One request (connection.cpp).
  void await_request();
  void read_head();
  void on_head(error_code error);
  void read_body();
  void on_body(error_code error);
  void hand_over();
  void become_link();
  void refuse_reading(error_code error);
  std::optional<http_response> objection() const;

  // Its answer (connection_answer.cpp).
  void respond(http_response response, bool keep);
  void write_part();
  void on_part(error_code error);
  void after_response();
  void linger();
  void discard();
  void fail_opening(failure why);
  void on_deadline();
  void close();

  using string_response = http::response<http::string_body>;

  const std::shared_ptr<listener_shared> shared_;
  const std::string address_;
  const io_executor executor_;
  any_stream stream_;
  deadline deadline_;
  std::shared_ptr<admission::ticket> ticket_;
  io_pool::registration entry_;
  std::optional<net::identity> identity_;
  phase phase_ = phase::opening;
  time_point handshake_by_{};

  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::weak_ptr<pending_reply> reply_;  // of the request that a handler has
  std::optional<string_response> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  bool keep_ = false;          // another request may follow
  bool head_request_ = false;  // answer without a body
  std::size_t discarded_ = 0;
};

}  // namespace troupe::net
