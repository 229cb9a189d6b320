// The listener against peers that are not what they should be.
#include <arpa/inet.h>
#include <fcntl.h>
#include <random>
#include <set>
#include <sys/resource.h>
#include <sys/time.h>

#include "tests/net/support.hpp"

namespace troupe::net::test {

namespace {

http_handler hello_handler() {
  return [](http_request r, http_reply reply) {
    http_response a;
    a.body = "hello " + r.path;
    reply(std::move(a));
  };
}

bool refused_with(const head& h, errc code) {
  return eventually([&] {
    for (const auto& f : h.refused())
      if (f.code == code) return true;
    return false;
  });
}

// By name, not by asking each descriptor: another thread may be closing it.
std::set<int> open_sockets() {
  std::set<int> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry, gone).string().starts_with("socket:"))
      all.insert(std::stoi(entry.path().filename()));
  }
  return all;
}

double cpu_seconds() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  const auto s = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  return s(u.ru_utime) + s(u.ru_stime);
}

}  // namespace

TEST_CASE("a certificate of another authority is refused on both sides") {
  head h;
  io loops;
  auto files = files_of(role::worker);
  SECTION("the peer trusts us, we don't trust it") {
    files.certificate = foreign_files_of(role::worker).certificate;
    const auto l = try_connect(loops, h, tls_files{foreign_files_of(role::worker)});
    REQUIRE_FALSE(l);
    CHECK(l.error().code == errc::unauthenticated);
  }
  SECTION("a certificate and an authority that don't belong together are noticed at home") {
    files.certificate = foreign_files_of(role::worker).certificate;
    const auto l = try_connect(loops, h, files);
    REQUIRE_FALSE(l);
    CHECK(l.error().message.find("not of the authority") != std::string::npos);
  }
  CHECK(h.links() == 0);
}

TEST_CASE("a peer that answers is refused unless it is the head") {
  // A listener with a worker's certificate, as a worker's data server has.
  io loops;
  listen_options options;
  options.tls = files_of(role::worker);
  auto port = listener::open(loops, options, quick_settings(), {});
  REQUIRE(port);
  std::promise<failure> promise;
  connect(loops, {"127.0.0.1", (*port)->port(), files_of(role::client), 20s}, quick_settings(),
          [&](result<std::shared_ptr<link>> r) {
            promise.set_value(r ? failure{errc::none, {}, {}} : r.error());
          });
  const auto why = promise.get_future().get();
  CHECK(why.code == errc::forbidden);
  CHECK(why.message.find("worker") != std::string::npos);
}

TEST_CASE("TLS without a certificate is refused at the handshake") {
  head h;
  const auto command =
      "timeout 20 curl -sk --max-time 10 https://" + h.port->address() + "/ >/dev/null 2>&1";
  CHECK(std::system(command.c_str()) != 0);
  CHECK(refused_with(h, errc::unauthenticated));
}

TEST_CASE("TLS below 1.3 is refused at the handshake") {
  head h;
  const auto files = files_of(role::client);
  const auto command = "timeout 20 curl -sk --max-time 10 --tls-max 1.2 --cert " +
                       files.certificate.string() + " https://" + h.port->address() +
                       "/ >/dev/null 2>&1";
  CHECK(std::system(command.c_str()) != 0);
  CHECK(refused_with(h, errc::protocol));
}

TEST_CASE("plain HTTP on a TLS port is told so in words") {
  head h;
  raw_socket s(h.port->port());
  REQUIRE(s.write("GET /api/v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto answer = s.read_to_end();
  CHECK(answer.substr(0, 12) == "HTTP/1.1 400");
  CHECK(answer.find("speaks TLS") != std::string::npos);
  CHECK(refused_with(h, errc::protocol));
}

TEST_CASE("silent connections are closed at the handshake deadline") {
  auto settings = quick_settings();
  settings.handshake_deadline = 300ms;
  head h(settings);
  std::vector<raw_socket> silent;
  for (int i = 0; i < 50; ++i) silent.emplace_back(h.port->port());
  const auto begun = clock::now();
  for (auto& s : silent) CHECK(s.closed_by_peer());
  CHECK(clock::now() - begun < 10s);
  CHECK(eventually([&] { return h.port->counters().open == 0; }));
  CHECK(h.port->counters().refused == 50);
}

TEST_CASE("connections that stop in the middle of a handshake are closed at the deadline") {
  auto settings = quick_settings();
  settings.handshake_deadline = 300ms;
  head h(settings);
  raw_socket s(h.port->port());
  REQUIRE(s.write("\x16\x03\x01\x02"));
  CHECK(s.closed_by_peer());
}

TEST_CASE("a certificate without a request is closed at the deadline") {
  auto settings = quick_settings();
  settings.handshake_deadline = 300ms;
  head h(settings, false);  // what follows TLS is the same without it
  raw_socket s(h.port->port());
  REQUIRE(s.write("GET /link HTTP/1.1\r\nHost:"));
  CHECK(s.closed_by_peer());
}

TEST_CASE("a thousand connections with random bytes cost a good peer nothing") {
  auto settings = quick_settings();
  settings.handshake_deadline = 500ms;
  settings.accepts_per_second = 100000;
  head h(settings, true, {}, [](recorder& r, std::shared_ptr<link> l) {
    l->established();
    r.attach(l, [raw = l.get()](std::string_view f) { (void)raw->send(std::string(f)); });
  });
  io loops;
  recorder good;
  good.attach(must_connect(loops, h));
  std::mt19937_64 random(1);
  const auto before = cpu_seconds();
  for (int i = 0; i < 1000; ++i) {
    std::string bytes(1 + random() % 600, '\0');
    for (auto& c : bytes) c = static_cast<char>(random());
    if (i % 4 == 0) bytes[0] = 0x16;  // some that look like TLS at first
    raw_socket s(h.port->port());
    s.write(bytes);
    if (i % 100 == 0) {
      REQUIRE(good.connection()->send("ping"));
      REQUIRE(good.wait_received(4 * (static_cast<std::size_t>(i) / 100 + 1)));
    }
  }
  CHECK(eventually([&] { return h.port->counters().open == 1; }));
  CHECK(cpu_seconds() - before < 15);  // sanitizers included; a fraction of a second without
  CHECK_FALSE(good.closed().has_value());
}

TEST_CASE("an address with too many undecided connections loses its oldest, not its newest") {
  auto settings = quick_settings();
  settings.max_handshakes_per_address = 10;
  head h(settings, true, hello_handler());
  std::vector<raw_socket> silent;
  for (int i = 0; i < 30; ++i) silent.emplace_back(h.port->port());
  CHECK(eventually([&] { return h.port->counters().open == 10; }));
  for (int i = 0; i < 20; ++i) CHECK(silent[i].closed_by_peer());
  io loops;
  const auto answer = call(loops, get(h, "/x"));
  REQUIRE(answer);
  CHECK(answer->body == "hello /x");
}

TEST_CASE("more connections than allowed are refused, and there is room again afterwards") {
  auto settings = quick_settings();
  settings.max_connections = 2;
  head h(settings, false, hello_handler());
  io loops;
  {
    raw_socket a(h.port->port()), b(h.port->port());
    REQUIRE(eventually([&] { return h.port->counters().open == 2; }));
    raw_socket c(h.port->port());
    CHECK(c.closed_by_peer());
    CHECK(refused_with(h, errc::overloaded));
  }
  REQUIRE(eventually([&] { return h.port->counters().open == 0; }));
  CHECK(call(loops, get(h, "/x", false))->status == 200);
}

TEST_CASE("connections come in no faster than allowed") {
  auto settings = quick_settings();
  settings.accepts_per_second = 20;
  head h(settings, false, hello_handler());
  const auto begun = clock::now();
  std::vector<raw_socket> many;
  for (int i = 0; i < 30; ++i) many.emplace_back(h.port->port());
  REQUIRE(eventually([&] { return h.port->counters().accepted == 30; }));
  CHECK(clock::now() - begun > 400ms);  // 20 at once, the others at 20 a second
}

TEST_CASE("running out of descriptors pauses accepting and ends by itself") {
  auto settings = quick_settings();
  settings.accept_pause = 20ms;
  head h(settings, false, hello_handler());
  io loops;
  rlimit old{};
  ::getrlimit(RLIMIT_NOFILE, &old);
  raw_socket waiting(h.port->port());
  REQUIRE(eventually([&] { return h.port->counters().open == 1; }));
  {
    // The connection is made before the limit falls, accepted after.
    std::vector<raw_socket> more;
    rlimit none = old;
    none.rlim_cur = 3;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(h.port->port());
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int connected = ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
    const auto before = cpu_seconds();
    const bool paused = eventually([&] { return h.port->counters().out_of_descriptors > 3; });
    const auto spent = cpu_seconds() - before;
    ::setrlimit(RLIMIT_NOFILE, &old);
    CHECK(connected == 0);
    CHECK(paused);
    CHECK(spent < 1);
    CHECK(eventually([&] { return h.port->counters().open == 2; }));
    ::close(fd);
  }
  CHECK(call(loops, get(h, "/x", false))->status == 200);
}

TEST_CASE("an oversized frame closes its link with words and nobody else's") {
  // The peer's own limit is in its code, so this one is written by hand.
  head h(quick_settings(), false, {}, [](recorder& r, std::shared_ptr<link> l) {
    l->established();
    r.attach(std::move(l));
  });
  raw_socket s(h.port->port());
  REQUIRE(
      s.write("GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"));
  CHECK(s.read_some().substr(0, 12) == "HTTP/1.1 101");
  io loops;
  recorder good;
  good.attach(must_connect(loops, h, std::nullopt));
  h.peer(1);
  // Final binary frame, masked, of 2 MiB.
  REQUIRE(s.write(std::string("\x82\xff\0\0\0\0\0\x20\0\0mask", 14)));
  const auto why = h.peer(0).wait_closed();
  CHECK(why.code == errc::too_large);
  CHECK(why.message.find("1 MiB") != std::string::npos);
  CHECK(s.closed_by_peer());
  REQUIRE(good.connection()->send("fine"));
  CHECK(h.peer(1).wait_received(4));
}

TEST_CASE("a text frame, an unmasked frame and nonsense close their link") {
  auto settings = quick_settings();
  settings.close_deadline = 100ms;  // these peers don't say goodbye
  head h(settings, false);
  const std::string upgrade =
      "GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n";
  std::size_t n = 0;
  for (const auto& bytes : {std::string("\x81\x81\0\0\0\0x", 7), std::string("\x82\x01x", 3),
                            std::string(20, '\xff')}) {
    raw_socket s(h.port->port());
    REQUIRE(s.write(upgrade));
    CHECK(s.read_some().substr(0, 12) == "HTTP/1.1 101");
    REQUIRE(s.write(bytes));
    CHECK(s.closed_by_peer());
    CHECK(h.peer(n++).wait_closed().code == errc::protocol);
  }
}

TEST_CASE("a port in use is refused with its address") {
  head h;
  io loops;
  listen_options options;
  options.port = h.port->port();
  options.tls = files_of(role::head);
  const auto second = listener::open(loops, options, quick_settings(), {});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::already_exists);
  CHECK(second.error().message.find(h.port->address()) != std::string::npos);
}

TEST_CASE("listening beyond loopback without TLS is refused in words") {
  io loops;
  listen_options options;
  options.host = "0.0.0.0";
  const auto port = listener::open(loops, options, quick_settings(), {});
  REQUIRE_FALSE(port);
  CHECK(port.error().code == errc::invalid_argument);
  CHECK(port.error().message.find("without TLS") != std::string::npos);
}

TEST_CASE("listening on a name that doesn't exist names it") {
  io loops;
  listen_options options;
  options.host = "no-such-host.invalid";
  const auto port = listener::open(loops, options, quick_settings(), {});
  REQUIRE_FALSE(port);
  CHECK(port.error().message.find("no-such-host.invalid") != std::string::npos);
}

TEST_CASE("child processes inherit no socket") {
  const auto before = open_sockets();
  head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  h.peer(0);
  int opened = 0;
  for (const int fd : open_sockets()) {
    if (before.count(fd)) continue;
    ++opened;
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(opened == 3);  // the port and both ends of the link
}

TEST_CASE("a listener that stops frees its port, ends HTTP and leaves links open") {
  head h(quick_settings(), true, hello_handler());
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  auto& theirs = h.peer(0);
  theirs.connection();
  raw_socket undecided(h.port->port());
  REQUIRE(eventually([&] { return h.port->counters().open == 2; }));
  const auto port = h.port->port();
  h.port->stop();
  h.port->stop();
  CHECK(undecided.closed_by_peer());
  REQUIRE(mine.connection()->send("still"));
  CHECK(theirs.wait_received(5));
  CHECK_FALSE(mine.closed().has_value());
  listen_options options;
  options.port = port;
  options.tls = files_of(role::head);
  CHECK(listener::open(loops, options, quick_settings(), {}));
}

}  // namespace troupe::net::test
