// How a link between two io threads of one process ends, or never comes to be.
#include <future>
#include <thread>

#include "tests/net/support.hpp"

namespace troupe::net::test {

TEST_CASE("a peer that goes in the middle of a message is reported after send() has returned, once") {
  auto h = std::make_unique<head>();
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, *h));
  std::promise<int> reported;
  mine.connection()->post([&, link = mine.connection()] {
    h->loops.stop();
    h->loops.join();  // our thread has not heard of it
    (void)link->send(blob(200'000));
    (void)link->send(blob(200'000));
    reported.set_value(mine.closed_calls());
  });
  CHECK(reported.get_future().get() == 0);
  mine.wait_closed();
  CHECK(mine.connection()->queued_bytes() == 0);
  CHECK(mine.closed_calls() == 1);
}

TEST_CASE("a peer that says nothing at all is closed after the idle deadline") {
  auto s = quick_settings();
  s.idle_deadline = 200ms;
  s.ping_interval = 0ms;
  head h(s);
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  CHECK(h.peer(0).wait_closed().code == errc::unavailable);
}

TEST_CASE("pings keep a quiet link open") {
  auto s = quick_settings();
  s.idle_deadline = 300ms;
  s.ping_interval = 50ms;
  echo_head h(s);
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  const auto until = clock::now() + 1s;
  REQUIRE(eventually([&] { return mine.closed() || clock::now() > until; }));
  CHECK_FALSE(mine.closed().has_value());
  REQUIRE(mine.connection()->send("x"));
  CHECK(mine.wait_received(1));
}

TEST_CASE("a link that is never established is closed after the handshake deadline") {
  auto s = quick_settings();
  s.handshake_deadline = 200ms;
  head h(s, true, {}, [](recorder& r, std::shared_ptr<link> l) { r.attach(std::move(l)); });
  io loops;
  auto mine = try_connect(loops, h);
  REQUIRE(mine);
  const auto why = h.peer(0).wait_closed();
  CHECK(why.message.find("introduce") != std::string::npos);
}

TEST_CASE("closing lets what is queued arrive, then both sides know the reason") {
  head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h, either_role()));
  auto& theirs = h.peer(0);
  for (int i = 0; i < 100; ++i) REQUIRE(mine.connection()->send(blob(10000)));
  mine.connection()->close({errc::version_mismatch, "speaks 7, not 1", {}});
  CHECK(mine.wait_closed() == failure{errc::version_mismatch, "speaks 7, not 1", {}});
  const auto there = theirs.wait_closed();
  CHECK(there.code == errc::version_mismatch);
  CHECK(there.message.find("speaks 7, not 1") != std::string::npos);
  CHECK(theirs.received().size() == 1000000);
  CHECK_FALSE(mine.connection()->send("too late"));
  CHECK_FALSE(theirs.connection()->send("too late"));
}

TEST_CASE("closing without a reason is normal for both sides") {
  head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  h.peer(0).connection()->close();
  CHECK(mine.wait_closed().code == errc::none);
  CHECK(h.peer(0).wait_closed().code == errc::none);
}

TEST_CASE("closing from both sides and several times ends once") {
  head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  auto& theirs = h.peer(0);
  const auto one = mine.connection(), other = theirs.connection();
  for (int i = 0; i < 5; ++i) {
    one->close({errc::cancelled, "first", {}});
    other->close({errc::cancelled, "second", {}});
  }
  mine.wait_closed();
  theirs.wait_closed();
  loops.stop();
  loops.join();
  CHECK(mine.closed_calls() == 1);
  CHECK(theirs.closed_calls() == 1);
}

TEST_CASE("closing does not wait for a peer that doesn't read") {
  auto s = quick_settings();
  s.close_deadline = 100ms;
  deaf_head h(s);
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  for (int i = 0; i < 30; ++i) REQUIRE(mine.connection()->send(blob(1 << 20)));
  mine.connection()->close({errc::cancelled, "enough", {}});
  CHECK(mine.wait_closed().message == "enough");
}

TEST_CASE("a handler that throws closes its own link with the exception's words") {
  head h(quick_settings(), true, {}, [](recorder& r, std::shared_ptr<link> l) {
    l->established();
    r.attach(l, [](std::string_view) { throw std::runtime_error("no such word"); });
  });
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h, either_role()));
  REQUIRE(mine.connection()->send("x"));
  CHECK(h.peer(0).wait_closed().message.find("no such word") != std::string::npos);
  mine.wait_closed();
}

TEST_CASE("a link may be closed by its own frame handler") {
  head h(quick_settings(), true, {}, [](recorder& r, std::shared_ptr<link> l) {
    l->established();
    r.attach(l, [raw = l.get()](std::string_view) {
      (void)raw->send("bye");  // queued before the close, so it still leaves
      raw->close({errc::forbidden, "only workers", {}});
    });
  });
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h, either_role()));
  REQUIRE(mine.connection()->send("xy"));
  CHECK(mine.wait_closed().code == errc::forbidden);
  CHECK(mine.received() == "bye");
  CHECK(h.peer(0).frames() == 1);
}

TEST_CASE("a lost connection is reported, and a new one can be made") {
  io loops;
  recorder first;
  std::uint16_t port = 0;
  {
    head h;
    port = h.port->port();
    first.attach(must_connect(loops, h));
    h.peer(0);
  }
  CHECK(first.wait_closed().code == errc::unavailable);
  echo_head again;
  recorder second;
  second.attach(must_connect(loops, again));
  REQUIRE(second.connection()->send("back"));
  CHECK(second.wait_received(4));
  CHECK(port != 0);
}

TEST_CASE("stopping the io threads closes every link once") {
  head h;
  auto loops = std::make_unique<io>(2);
  recorder mine[5];
  for (auto& r : mine) r.attach(must_connect(*loops, h));
  loops->stop();
  loops->join();
  for (auto& r : mine) {
    CHECK(r.closed_calls() == 1);
    CHECK(r.closed()->message.find("stopping") != std::string::npos);
  }
  loops.reset();
  // Pointers to a link may outlive its loops.
  for (auto& r : mine) {
    CHECK_FALSE(r.connection()->send("x"));
    r.connection()->close();
    CHECK(r.closed_calls() == 1);
  }
}

TEST_CASE("connecting to nobody fails with the address and may be tried again") {
  io loops;
  std::uint16_t port = 0;
  {
    head h;
    port = h.port->port();
  }
  std::promise<failure> promise;
  connect(loops, {"127.0.0.1", port, files_of(role::worker), 5s}, quick_settings(),
          [&](result<std::shared_ptr<link>> r) { promise.set_value(r.error()); });
  const auto why = promise.get_future().get();
  CHECK(why.code == errc::unavailable);
  CHECK(why.message.find(std::to_string(port)) != std::string::npos);
}

TEST_CASE("connecting gives up at its deadline when nobody answers") {
  const silent_port nobody;
  io loops;
  std::promise<failure> promise;
  connect(loops, {"127.0.0.1", nobody.port(), files_of(role::worker), 200ms}, quick_settings(),
          [&](result<std::shared_ptr<link>> r) { promise.set_value(r.error()); });
  const auto why = promise.get_future().get();
  CHECK(why.code == errc::unavailable);
  CHECK(why.message.find("in time") != std::string::npos);
}

TEST_CASE("a link without TLS to another machine is refused before anything is sent") {
  io loops;
  std::promise<failure> promise;
  connect(loops, {"192.0.2.1", 7400, std::nullopt, 5s}, quick_settings(),
          [&](result<std::shared_ptr<link>> r) { promise.set_value(r.error()); });
  CHECK(promise.get_future().get().code == errc::invalid_argument);
}

TEST_CASE("connections still being made when the io threads stop end with a failure") {
  const silent_port nobody;
  std::promise<failure> promise;
  auto answer = promise.get_future();
  {
    io loops;
    connect(loops, {"127.0.0.1", nobody.port(), files_of(role::worker), 20s}, quick_settings(),
            [&](result<std::shared_ptr<link>> r) { promise.set_value(r.error()); });
  }
  REQUIRE(answer.wait_for(0s) == std::future_status::ready);
  CHECK(answer.get().message.find("stopping") != std::string::npos);
}

}  // namespace troupe::net::test
