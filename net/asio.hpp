// Private to net/: Asio and the types this folder uses of it. Concrete executors instead of
// any_io_executor, because every handler would pay for the indirection.
#pragma once

#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>  // Asio 1.74 uses std::exchange in C++20 without including it

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>

#include "libruntime/time.hpp"

namespace troupe::net {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;

using io_executor = asio::io_context::executor_type;
using tcp_socket = asio::basic_stream_socket<tcp, io_executor>;
using tcp_acceptor = asio::basic_socket_acceptor<tcp, io_executor>;
using tcp_resolver = asio::ip::basic_resolver<tcp, io_executor>;
using steady_timer = asio::basic_waitable_timer<clock, asio::wait_traits<clock>, io_executor>;

// Opens a socket that child processes don't inherit; with Asio's own open() they do.
template <class Socket>
void open_socket(Socket& socket, tcp protocol, error_code& error) {
  const int fd = ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    error.assign(errno, boost::system::system_category());
    return;
  }
  socket.assign(protocol, fd, error);
  if (error) ::close(fd);
}

}  // namespace troupe::net
