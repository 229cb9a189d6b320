#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "bench/child_process.hpp"
#include "bench/clock.hpp"
#include "bench/references.hpp"
#include "net/certificates.hpp"
#include "net/listener.hpp"

namespace troupe::bench {
namespace {

using namespace std::chrono_literals;

latency summary(std::vector<double>& us) { return {quantile(us, 0.5), quantile(us, 0.99)}; }

class socket_fd {
 public:
  explicit socket_fd(int fd) : fd_(fd) {
    if (fd < 0) throw std::runtime_error("can't make a socket");
  }
  ~socket_fd() { ::close(fd_); }
  socket_fd(const socket_fd&) = delete;
  int get() const { return fd_; }
  void no_delay() const {
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

 private:
  int fd_;
};

// Two ends of a link in one process, each with an io thread, over TLS with certificates of their own.
class link_pair {
 public:
  link_pair() {
    if (auto made = net::ensure_authority(folder_.path(), {}); !made)
      throw std::runtime_error(made.error().message);
    net::listen_options listen;
    listen.tls = net::files_in(folder_.path(), protocol::role::head);
    net::listen_handlers handlers;
    handlers.on_link = [this](std::shared_ptr<net::link> l) { accepted_.set_value(std::move(l)); };
    auto listener = net::listener::open(far_io_, listen, {}, std::move(handlers));
    if (!listener) throw std::runtime_error(listener.error().message);
    listener_ = std::move(*listener);
    net::connect_options connect;
    connect.host = "127.0.0.1";
    connect.port = listener_->port();
    connect.tls = net::files_in(folder_.path(), protocol::role::client);
    std::promise<result<std::shared_ptr<net::link>>> connected;
    net::connect(near_io_, connect, {}, [&](auto r) { connected.set_value(std::move(r)); });
    auto link = connected.get_future().get();
    if (!link) throw std::runtime_error(link.error().message);
    near = std::move(*link);
    far = accepted_.get_future().get();
  }
  ~link_pair() {
    near_io_.stop();
    far_io_.stop();
    near_io_.join();
    far_io_.join();
  }

  // The far end answers each frame with itself; the near end hands frames to `on_frame`.
  void start(std::function<void(std::span<const std::byte>)> on_frame) {
    net::link_handlers echo;
    echo.on_frame = [l = far.get()](std::span<const std::byte> frame) {
      (void)l->send({reinterpret_cast<const char*>(frame.data()), frame.size()});
    };
    echo.on_drained = [] {};
    echo.on_closed = [](const failure&) {};
    far->start(std::move(echo));
    net::link_handlers h;
    h.on_frame = std::move(on_frame);
    h.on_drained = [] {};
    h.on_closed = [](const failure&) {};
    near->start(std::move(h));
    near->established();
    far->established();
  }

  std::shared_ptr<net::link> near, far;

 private:
  temporary_folder folder_;
  net::io near_io_, far_io_;
  std::promise<std::shared_ptr<net::link>> accepted_;
  std::unique_ptr<net::listener> listener_;
};

}  // namespace

latency tcp_roundtrip(std::uint32_t times) {
  socket_fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(server.get(), any, size) != 0 || ::listen(server.get(), 1) != 0 ||
      ::getsockname(server.get(), any, &size) != 0)
    throw std::runtime_error("can't listen on loopback");
  socket_fd near(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(near.get(), any, size) != 0) throw std::runtime_error("can't connect on loopback");
  std::thread echo([&] {
    socket_fd far(::accept(server.get(), nullptr, nullptr));
    far.no_delay();
    char c = 0;
    while (::read(far.get(), &c, 1) == 1)
      if (::write(far.get(), &c, 1) != 1) return;
  });
  near.no_delay();
  std::vector<double> us;
  char c = 'x';
  for (std::uint32_t i = 0; i < times; ++i) {
    stopwatch watch;
    if (::write(near.get(), &c, 1) != 1 || ::read(near.get(), &c, 1) != 1) break;
    us.push_back(watch.seconds() * 1e6);
  }
  ::shutdown(near.get(), SHUT_RDWR);
  echo.join();
  return summary(us);
}

latency link_roundtrip(std::uint32_t times) {
  link_pair pair;
  std::vector<double> us;
  std::promise<void> over;
  std::uint32_t left = times;
  stopwatch watch;
  const std::string message(40, 'x');
  pair.start([&](std::span<const std::byte>) {
    us.push_back(watch.seconds() * 1e6);
    if (--left == 0) return over.set_value();
    watch = {};
    (void)pair.near->send(message);
  });
  watch = {};
  (void)pair.near->send(message);
  over.get_future().wait();
  return summary(us);
}

double link_batched_items_per_s(std::uint32_t items) {
  constexpr std::size_t item = 40, batch = 1600, ahead = 8;
  link_pair pair;
  std::promise<void> over;
  const std::string message(item * batch, 'x');
  std::uint64_t bytes = 0, wanted = std::uint64_t{items} * item, sent = 0;
  auto send = [&] {
    if (sent >= wanted) return;
    sent += message.size();
    (void)pair.near->send(message);
  };
  bool told = false;
  pair.start([&](std::span<const std::byte> frame) {
    auto before = bytes / message.size();
    bytes += frame.size();
    for (auto n = bytes / message.size() - before; n > 0; --n) send();
    if (bytes >= wanted && !std::exchange(told, true)) over.set_value();
  });
  stopwatch watch;
  for (std::size_t i = 0; i < ahead; ++i) send();
  over.get_future().wait();
  return items / watch.seconds();
}

}  // namespace troupe::bench
