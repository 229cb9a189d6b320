#include "tests/net/support.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace troupe::net::test {

namespace fs = std::filesystem;

bool eventually(const std::function<bool()>& condition) {
  const auto until = clock::now() + patience;
  while (!condition()) {
    if (clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

temporary_directory::temporary_directory() {
  std::string name = (fs::temp_directory_path() / "troupe-net-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;  // a leftover in /tmp fails no test
  fs::remove_all(path_, ignored);
}

namespace {

tls_files files_from(const temporary_directory& dir, role r) {
  authority_settings settings;
  settings.owner = "ada";
  const auto made = ensure_authority(dir.path(), settings);
  if (!made) FAIL(made.error().message);
  return files_in(dir.path(), r);
}

}  // namespace

tls_files files_of(role r) {
  static const temporary_directory dir;
  return files_from(dir, r);
}

tls_files foreign_files_of(role r) {
  static const temporary_directory dir;
  return files_from(dir, r);
}

net_settings quick_settings() {
  net_settings s;
  s.handshake_deadline = 20s;
  s.write_deadline = 20s;
  s.close_deadline = 5s;
  return s;
}

// ---- recorder ---------------------------------------------------------------------------------

void recorder::attach(std::shared_ptr<link> l, std::function<void(std::string_view)> then) {
  {
    std::lock_guard lock(heard_->mutex);
    link_ = l;
  }
  l->start({[heard = heard_, then](std::span<const std::byte> bytes) {
              const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                                          bytes.size());
              {
                std::lock_guard lock(heard->mutex);
                heard->bytes += text;
                ++heard->frames;
              }
              if (then) then(text);
            },
            [heard = heard_] { ++heard->drained; },
            [heard = heard_](const failure& why) {
              std::lock_guard lock(heard->mutex);
              heard->closed = why;
              ++heard->closed_calls;
            }});
}

std::shared_ptr<link> recorder::connection() const {
  std::shared_ptr<link> l;
  const bool attached = eventually([&] {
    std::lock_guard lock(heard_->mutex);
    l = link_;
    return l != nullptr;
  });
  if (!attached) FAIL("the link was never attached");
  return l;
}

std::string recorder::received() const {
  std::lock_guard lock(heard_->mutex);
  return heard_->bytes;
}

std::size_t recorder::frames() const {
  std::lock_guard lock(heard_->mutex);
  return heard_->frames;
}

std::optional<failure> recorder::closed() const {
  std::lock_guard lock(heard_->mutex);
  return heard_->closed;
}

bool recorder::wait_received(std::size_t bytes) const {
  return eventually([&] {
    std::lock_guard lock(heard_->mutex);
    return heard_->bytes.size() >= bytes;
  });
}

failure recorder::wait_closed() const {
  if (!eventually([&] { return closed().has_value(); })) FAIL("the link was never closed");
  return *closed();
}

// ---- head -------------------------------------------------------------------------------------

head::head(net_settings s, bool tls, http_handler http,
           std::function<void(recorder&, std::shared_ptr<link>)> w)
    : settings(s), welcome(std::move(w)) {
  listen_options options;
  if (tls) options.tls = files_of(role::head);
  listen_handlers handlers;
  handlers.on_link = [this](std::shared_ptr<link> l) {
    auto r = std::make_unique<recorder>();
    auto& here = *r;
    {
      std::lock_guard lock(mutex_);
      peers_.push_back(std::move(r));
    }
    if (welcome) return welcome(here, std::move(l));
    l->established();
    here.attach(std::move(l));
  };
  handlers.on_request = std::move(http);
  handlers.on_refused = [this](const std::string&, const failure& why) {
    std::lock_guard lock(mutex_);
    refused_.push_back(why);
  };
  auto opened = listener::open(loops, options, settings, std::move(handlers));
  if (!opened) FAIL(opened.error().message);
  port = std::move(*opened);
}

head::~head() {
  port->stop();
  loops.stop();
  loops.join();
}

std::size_t head::links() const {
  std::lock_guard lock(mutex_);
  return peers_.size();
}

recorder& head::peer(std::size_t i) {
  if (!eventually([&] { return links() > i; })) FAIL("the link never came");
  std::lock_guard lock(mutex_);
  return *peers_[i];
}

std::vector<failure> head::refused() const {
  std::lock_guard lock(mutex_);
  return refused_;
}

// ---- calls ------------------------------------------------------------------------------------

namespace {

template <class T>
T wait_for(std::future<T>& f) {
  if (f.wait_for(patience) != std::future_status::ready) FAIL("nothing was answered");
  return f.get();
}

}  // namespace

result<std::shared_ptr<link>> try_connect(io& loops, const head& h,
                                          std::optional<tls_files> files) {
  auto promise = std::make_shared<std::promise<result<std::shared_ptr<link>>>>();
  auto answer = promise->get_future();
  connect(loops, {"127.0.0.1", h.port->port(), std::move(files), 20s}, h.settings,
          [promise](result<std::shared_ptr<link>> r) { promise->set_value(std::move(r)); });
  return wait_for(answer);
}

std::shared_ptr<link> must_connect(io& loops, const head& h, std::optional<tls_files> files) {
  auto l = try_connect(loops, h, std::move(files));
  if (!l) FAIL(to_string(l.error()));
  (*l)->established();
  return *l;
}

result<http_response> call(io& loops, http_call_options options) {
  auto promise = std::make_shared<std::promise<result<http_response>>>();
  auto answer = promise->get_future();
  http_call(loops, std::move(options),
            [promise](result<http_response> r) { promise->set_value(std::move(r)); });
  return wait_for(answer);
}

http_call_options get(const head& h, const std::string& path, bool tls) {
  http_call_options o;
  o.url = (tls ? "https://" : "http://") + h.port->address() + path;
  if (tls) o.tls = files_of(role::client);
  return o;
}

// ---- raw_socket -------------------------------------------------------------------------------

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

}  // namespace

silent_port::silent_port() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto at = loopback(0);
  socklen_t size = sizeof at;
  REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(::listen(fd_, 16) == 0);
  REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  port_ = ntohs(at.sin_port);
}

silent_port::~silent_port() {
  ::close(fd_);
}

raw_socket::raw_socket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto at = loopback(port);
  REQUIRE(fd_ >= 0);
  REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
}

raw_socket::~raw_socket() {
  if (fd_ >= 0) ::close(fd_);
}

bool raw_socket::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string raw_socket::read_some() {
  pollfd p{fd_, POLLIN, 0};
  const int ready =
      ::poll(&p, 1, static_cast<int>(duration_cast<std::chrono::milliseconds>(patience).count()));
  if (ready <= 0) FAIL("the peer said nothing");
  std::string bytes(65536, '\0');
  const auto n = ::recv(fd_, bytes.data(), bytes.size(), 0);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

std::string raw_socket::read_to_end() {
  std::string all;
  for (;;) {
    const auto part = read_some();
    if (part.empty()) return all;
    all += part;
  }
}

bool raw_socket::closed_by_peer() {
  read_to_end();
  return true;
}

}  // namespace troupe::net::test
