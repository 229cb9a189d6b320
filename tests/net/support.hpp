// What the network tests share: a certificate authority made once, a listener and links that write
// down what happens to them, raw sockets for peers that misbehave, and waiting with a deadline.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/certificates.hpp"
#include "net/http.hpp"
#include "net/link.hpp"
#include "net/listener.hpp"
#include "tests/support/catch.hpp"

namespace troupe::net::test {

using namespace std::chrono_literals;

inline constexpr auto patience = 20s;  // a test that needs it has failed

// True as soon as `condition` holds; false when patience ends.
bool eventually(const std::function<bool()>& condition);

// A directory that goes away with the object.
class temporary_directory {
 public:
  temporary_directory();
  ~temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// One authority for all tests of a process, and a second one that nobody trusts.
tls_files files_of(role r);
tls_files foreign_files_of(role r);

// Short deadlines for what the tests wait for, long ones for what they don't.
net_settings quick_settings();

// Clients are read eagerly, workers in their turn.
inline tls_files either_role() { return files_of(GENERATE(role::client, role::worker)); }

inline std::string blob(std::size_t size, char c = 'x') {
  return std::string(size, c);
}

// A link and everything it reported.
class recorder {
 public:
  // `then` runs on the io thread for each frame.
  void attach(std::shared_ptr<link> l, std::function<void(std::string_view)> then = {});
  std::shared_ptr<link> connection() const;  // waits for attach()

  std::string received() const;
  std::size_t frames() const;
  int drained() const { return heard_->drained; }
  std::optional<failure> closed() const;
  bool wait_received(std::size_t bytes) const;
  failure wait_closed() const;
  int closed_calls() const { return heard_->closed_calls; }

 private:
  // The link tells it more, perhaps, when the recorder is gone.
  struct heard {
    std::mutex mutex;
    std::string bytes;
    std::size_t frames = 0;
    std::optional<failure> closed;
    std::atomic<int> drained{0}, closed_calls{0};
  };
  std::shared_ptr<heard> heard_ = std::make_shared<heard>();
  std::shared_ptr<link> link_;  // guarded by heard_->mutex
};

// A head: its io thread, its port, and the links that came, each with a recorder.
struct head {
  explicit head(net_settings settings = quick_settings(), bool tls = true, http_handler http = {},
                std::function<void(recorder&, std::shared_ptr<link>)> welcome = {});
  ~head();

  net_settings settings;
  io loops;
  std::unique_ptr<listener> port;
  std::function<void(recorder&, std::shared_ptr<link>)> welcome;

  std::size_t links() const;
  recorder& peer(std::size_t i);  // waits for it
  std::vector<failure> refused() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<recorder>> peers_;
  std::vector<failure> refused_;
};

// A head whose links send back whatever they get.
struct echo_head : head {
  explicit echo_head(net_settings s = quick_settings(), bool tls = true)
      : head(s, tls, {}, [](recorder& r, std::shared_ptr<link> l) {
          l->established();
          r.attach(l, [raw = l.get()](std::string_view frame) {
            (void)raw->send(std::string(frame));  // a closed link is seen by the other side
          });
        }) {}
};

// A head whose links are accepted and then left alone: not started, so never read.
struct deaf_head : head {
  explicit deaf_head(net_settings s)
      : head(s, true, {}, [kept = std::vector<std::shared_ptr<link>>{}](
                              recorder&, std::shared_ptr<link> l) mutable {
          l->established();
          kept.push_back(std::move(l));
        }) {}
};

// Connects and waits for the outcome.
result<std::shared_ptr<link>> try_connect(io& loops, const head& h,
                                          std::optional<tls_files> files = files_of(role::worker));
std::shared_ptr<link> must_connect(io& loops, const head& h,
                                   std::optional<tls_files> files = files_of(role::worker));

result<http_response> call(io& loops, http_call_options options);
http_call_options get(const head& h, const std::string& path, bool tls = true);

// A port that the kernel answers on and nobody else.
class silent_port {
 public:
  silent_port();
  ~silent_port();
  silent_port(const silent_port&) = delete;
  silent_port& operator=(const silent_port&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

// A blocking TCP connection to 127.0.0.1.
class raw_socket {
 public:
  explicit raw_socket(std::uint16_t port);
  ~raw_socket();
  raw_socket(raw_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  bool write(std::string_view bytes);
  std::string read_to_end();  // until the peer closes, or patience ends
  std::string read_some();
  bool closed_by_peer();  // within patience

 private:
  int fd_ = -1;
};

}  // namespace troupe::net::test
