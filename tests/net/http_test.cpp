// HTTP: what a handler sees, what a client gets, what is answered for the handler.
#include <thread>

#include "tests/net/support.hpp"

namespace troupe::net::test {

namespace {

// Says what it was asked.
void mirror(http_request r, http_reply reply) {
  http_response a;
  a.headers.emplace_back("X-Seen",
                         r.header("x-sent").empty() ? "none" : std::string(r.header("x-sent")));
  a.body = r.method + " " + r.path + " ? " + r.query + " | " + r.body;
  if (r.identity)
    a.body += " | " + std::string(to_string(r.identity->role)) + " " + r.identity->owner;
  reply(std::move(a));
}

struct plain_head : head {
  explicit plain_head(http_handler handler = mirror, net_settings s = quick_settings())
      : head(s, false, std::move(handler)) {}
};

std::string ask(const head& h, const std::string& request) {
  raw_socket s(h.port->port());
  REQUIRE(s.write(request));
  return s.read_to_end();
}

}  // namespace

TEST_CASE("a request reaches the handler whole, and its answer the client") {
  plain_head h;
  io loops;
  auto options = get(h, "/a%20b/c?x=1&y=%2F", false);
  options.method = "POST";
  options.body = "payload";
  options.headers = {{"X-Sent", "yes"}};
  const auto answer = call(loops, options);
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body == "POST /a b/c ? x=1&y=%2F | payload");
  CHECK(find_header(answer->headers, "x-seen") == "yes");
  CHECK(answer->content_type == "text/plain; charset=utf-8");
}

TEST_CASE("over TLS the handler knows who asks") {
  head h(quick_settings(), true, mirror);
  io loops;
  const auto answer = call(loops, get(h, "/who"));
  REQUIRE(answer);
  CHECK(answer->body == "GET /who ?  |  | client ada");
}

TEST_CASE("several requests follow each other on one connection") {
  plain_head h;
  const auto answers = ask(h,
                           "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                           "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
                           "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  for (const auto* path : {"/1", "/2", "/3"})
    CHECK(answers.find(std::string("GET ") + path) != std::string::npos);
  CHECK(h.port->counters().requests == 3);
  CHECK(h.port->counters().accepted == 1);
}

TEST_CASE("a HEAD is answered with the length and without the body") {
  plain_head h;
  const auto answer = ask(h, "HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(answer.find("Content-Length: 13") != std::string::npos);
  CHECK(answer.substr(answer.size() - 4) == "\r\n\r\n");
}

TEST_CASE("without a handler everything is 404, and /link explains itself") {
  plain_head h{http_handler{}};
  io loops;
  CHECK(call(loops, get(h, "/x", false))->status == 404);
  CHECK(call(loops, get(h, "/link", false))->status == 426);
  auto post = get(h, "/link", false);
  post.method = "POST";
  const auto no = call(loops, post);
  CHECK(no->status == 405);
  CHECK(find_header(no->headers, "Allow") == "GET");
}

TEST_CASE("what is not HTTP gets a 400") {
  plain_head h;
  for (const auto* bytes : {"NONSENSE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x01\x02\x03\r\n\r\n",
                            "GET x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                            "GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}) {
    INFO(bytes);
    CHECK(ask(h, bytes).substr(0, 12) == "HTTP/1.1 400");
  }
}

TEST_CASE("a header or body over its limit is refused before it is stored") {
  auto s = quick_settings();
  s.http_max_body_bytes = 1000;
  plain_head h(mirror, s);
  io loops;
  SECTION("header") {
    CHECK(ask(h, "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20000, 'x') + "\r\n\r\n")
              .substr(0, 12) == "HTTP/1.1 431");
  }
  SECTION("announced body") {
    auto options = get(h, "/", false);
    options.method = "POST";
    options.body = std::string(5'000'000, 'x');
    CHECK(call(loops, options)->status == 413);
  }
  SECTION("chunked body") {
    std::string request = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 100; ++i) request += "64\r\n" + std::string(100, 'x') + "\r\n";
    CHECK(ask(h, request).substr(0, 12) == "HTTP/1.1 413");
  }
  SECTION("just within") {
    auto options = get(h, "/", false);
    options.method = "POST";
    options.body = std::string(1000, 'x');
    CHECK(call(loops, options)->status == 200);
  }
}

TEST_CASE("a body that is announced with Expect is asked for") {
  plain_head h;
  raw_socket s(h.port->port());
  REQUIRE(
      s.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
              "Connection: close\r\n\r\n"));
  CHECK(s.read_some().substr(0, 12) == "HTTP/1.1 100");
  REQUIRE(s.write("body"));
  CHECK(s.read_to_end().find("| body") != std::string::npos);
}

TEST_CASE("a handler may answer later and from another thread") {
  std::vector<std::thread> threads;
  std::mutex mutex;
  plain_head h([&](http_request, http_reply reply) {
    std::lock_guard lock(mutex);
    threads.emplace_back([reply] {
      http_response a;
      a.status = 202;
      reply(a);
      reply(a);  // the first one counts
    });
  });
  io loops;
  for (int i = 0; i < 10; ++i) CHECK(call(loops, get(h, "/", false))->status == 202);
  std::lock_guard lock(mutex);
  for (auto& t : threads) t.join();
}

TEST_CASE("a handler that throws or forgets is answered for with a 500") {
  plain_head h([](http_request r, http_reply) {
    if (r.path == "/throw") throw std::runtime_error("no luck");
  });
  io loops;
  const auto thrown = call(loops, get(h, "/throw", false));
  CHECK(thrown->status == 500);
  CHECK(thrown->body.find("no luck") != std::string::npos);
  CHECK(call(loops, get(h, "/forget", false))->status == 500);
}

TEST_CASE("a handler that takes too long is answered for with a 503") {
  auto s = quick_settings();
  s.http_answer_deadline = 100ms;
  http_reply kept;
  std::mutex mutex;
  plain_head h(
      [&](http_request, http_reply reply) {
        std::lock_guard lock(mutex);
        kept = std::move(reply);
      },
      s);
  io loops;
  CHECK(call(loops, get(h, "/", false))->status == 503);
  std::lock_guard lock(mutex);
  kept({});  // too late, and harmless
}

TEST_CASE("slow requests and idle connections are closed") {
  auto s = quick_settings();
  s.http_read_deadline = 100ms;
  s.http_idle_deadline = 100ms;
  plain_head h(mirror, s);
  SECTION("a body that never comes") {
    raw_socket c(h.port->port());
    REQUIRE(c.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"));
    CHECK(c.closed_by_peer());
  }
  SECTION("no second request") {
    raw_socket c(h.port->port());
    REQUIRE(c.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(c.closed_by_peer());
  }
  CHECK(eventually([&] { return h.port->counters().open == 0; }));
}

TEST_CASE("a client that never reads its answer is closed") {
  auto s = quick_settings();
  s.write_deadline = 200ms;
  plain_head h(
      [](http_request, http_reply reply) {
        http_response a;
        a.body.assign(64 << 20, 'x');
        reply(std::move(a));
      },
      s);
  raw_socket c(h.port->port());
  REQUIRE(c.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(
      eventually([&] { return h.port->counters().accepted == 1 && h.port->counters().open == 0; }));
}

TEST_CASE("a large answer arrives whole over TLS") {
  std::string body;
  for (int i = 0; i < 500000; ++i) body += std::to_string(i);
  head h(quick_settings(), true, [&](http_request, http_reply reply) {
    http_response a;
    a.body = body;
    reply(std::move(a));
  });
  io loops;
  const auto answer = call(loops, get(h, "/"));
  REQUIRE(answer);
  CHECK(answer->body == body);
}

TEST_CASE("line breaks in an answer's headers don't make headers of their own") {
  plain_head h([](http_request, http_reply reply) {
    http_response a;
    a.headers = {{"X-Good", "1"}, {"X-Bad", "1\r\nX-Injected: 1"}};
    reply(std::move(a));
  });
  io loops;
  const auto answer = call(loops, get(h, "/", false));
  CHECK(find_header(answer->headers, "X-Good") == "1");
  CHECK(find_header(answer->headers, "X-Injected").empty());
}

TEST_CASE("curl, an ordinary client, is served over TLS with the client's files") {
  head h(quick_settings(), true, mirror);
  const auto files = files_of(role::client);
  const temporary_directory dir;
  const auto out = dir.path() / "out";
  const auto command = "timeout 20 curl -sS --max-time 10 --cacert " + files.authority.string() +
                       " --cert " + files.certificate.string() +
                       " https://localhost:" + std::to_string(h.port->port()) + "/curl -o " +
                       out.string();
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(std::filesystem::file_size(out) > 10);
}

TEST_CASE("calls fail with words when there is no whole answer") {
  io loops;
  SECTION("nobody there") {
    http_call_options o;
    {
      plain_head h;
      o = get(h, "/", false);
    }
    CHECK(call(loops, o).error().code == errc::unavailable);
  }
  SECTION("too long") {
    plain_head h([](http_request, http_reply reply) {
      http_response a;
      a.body.assign(100000, 'x');
      reply(std::move(a));
    });
    auto o = get(h, "/", false);
    o.max_body_bytes = 1000;
    CHECK(call(loops, o).error().code == errc::too_large);
  }
  SECTION("too late") {
    http_reply kept;
    std::mutex mutex;
    plain_head h([&](http_request, http_reply r) {
      std::lock_guard lock(mutex);
      kept = std::move(r);
    });
    auto o = get(h, "/", false);
    o.deadline = 100ms;
    CHECK(call(loops, o).error().code == errc::unavailable);
  }
  SECTION("not an address") {
    for (const auto* url : {"", "ftp://x/", "http://", "http://a b/", "http://x:99999/", "x:80",
                            "http://x/\r\nEvil: 1"}) {
      http_call_options o;
      o.url = url;
      INFO(url);
      CHECK(call(loops, o).error().code == errc::invalid_argument);
    }
  }
  SECTION("a foreign certificate") {
    head h(quick_settings(), true, mirror);
    auto o = get(h, "/");
    o.tls = foreign_files_of(role::client);
    CHECK(call(loops, o).error().code == errc::unauthenticated);
    o.tls.reset();  // the system's authorities don't know this one either
    CHECK(call(loops, o).error().code == errc::unauthenticated);
  }
}

TEST_CASE("escapes and queries are decoded and encoded") {
  CHECK(percent_decode("a%20b%2Fc") == "a b/c");
  CHECK(percent_decode("plain") == "plain");
  CHECK_FALSE(percent_decode("%").has_value());
  CHECK_FALSE(percent_decode("%4").has_value());
  CHECK_FALSE(percent_decode("%g0").has_value());
  CHECK(percent_encode("a b/c~\xc3\xa4") == "a%20b%2Fc~%C3%A4");
  CHECK(parse_query("a=1&b=x+y&&c&d=%zz") ==
        http_headers{{"a", "1"}, {"b", "x y"}, {"c", ""}, {"d", "%zz"}});
  CHECK(parse_query("").empty());
}

}  // namespace troupe::net::test
