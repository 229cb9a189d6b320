// The way from another process to a head: connects, says hello, keeps the connection, reconnects when
// it breaks, gives up after a while. Used by clients and by workers.
//
// Lives on one io thread: handlers are called there, and send(), writable() and flush() may be called
// only there; the rest from anywhere.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/link_endpoint.hpp"
#include "net/io.hpp"

namespace troupe::actors {

struct head_link_options {
  std::string address;  // "host:port"
  std::optional<net::tls_files> tls;
  protocol::hello hello;  // its epoch is filled in after the first welcome
  std::chrono::nanoseconds timeout = std::chrono::seconds{5};  // of one attempt
  // How long attempts go on: before the first welcome (0: only one attempt), and after a break.
  std::chrono::nanoseconds first_patience{};
  std::chrono::nanoseconds patience = std::chrono::seconds{30};
  std::shared_ptr<protocol::blob_store> store;  // for large values that arrive; may be null
};

struct head_link_handlers {
  std::function<void(const protocol::welcome&)> on_welcome;  // after each (re)connect
  std::function<void(std::vector<protocol::message>&)> on_messages;  // never empty
  std::function<void()> on_writable;                         // there is room: send() more
  std::function<void()> on_broken;                           // it will be tried again
  std::function<void(const failure&)> on_lost;               // for good; nothing comes after it
};

class head_link : public std::enable_shared_from_this<head_link> {
 public:
  head_link(net::io& io, head_link_options options) : io_(io), options_(std::move(options)) {}

  void start(head_link_handlers handlers);
  // Runs `fn` on the io thread.
  void post(std::function<void()> fn);
  bool on_io_thread() const { return io_.on_first_thread(); }

  // Drops the message when there is no welcomed connection.
  void send(protocol::message m);
  bool writable() const;
  void flush();           // and asks for more by on_writable
  void flush_endpoint();  // only what was sent

  // Lets what has been sent leave, at most for `patience`, then closes. No handler is called after
  // it has returned. On the io thread it doesn't wait.
  void close(std::chrono::nanoseconds patience);

 private:
  void dial();
  void linked(result<std::shared_ptr<net::link>> link);
  void on_frame(std::span<const std::byte> frame);
  void on_closed(const failure& why);
  void greet(std::vector<protocol::message>& messages);
  void retry(failure why);
  void give_up(failure why);
  void part();

  net::io& io_;
  head_link_options options_;
  head_link_handlers handlers_;
  std::unique_ptr<link_endpoint> endpoint_;
  bool welcomed_ = false;  // on this connection
  bool ever_welcomed_ = false;
  bool over_ = false;      // closed or given up
  std::chrono::nanoseconds backoff_{};
  std::chrono::steady_clock::time_point broken_since_{};
  std::function<void()> on_closed_;  // set while closing
};

}  // namespace troupe::actors
