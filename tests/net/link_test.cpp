// The link between two io threads of one process, over loopback.
#include <future>
#include <map>
#include <thread>

#include "tests/net/support.hpp"

namespace troupe::net::test {

namespace {

// Clients are read eagerly, workers in their turn.
tls_files either_role() { return files_of(GENERATE(role::client, role::worker)); }

std::string blob(std::size_t size, char c = 'x') {
  return std::string(size, c);
}

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

}  // namespace

TEST_CASE("what is sent over TLS comes back as it was") {
  echo_head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  for (const auto size : {1, 5, 125, 126, 4000, 65535, 65536, 300000, 1 << 20}) {
    const auto before = mine.received().size();
    REQUIRE(mine.connection()->send(blob(size, static_cast<char>('a' + size % 26))));
    REQUIRE(mine.wait_received(before + size));
    CHECK(mine.received().substr(before) == blob(size, static_cast<char>('a' + size % 26)));
  }
  CHECK(mine.connection()->queued_bytes() == 0);
}

TEST_CASE("a link works on loopback without TLS and then knows no identity") {
  echo_head h(quick_settings(), false);
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h, std::nullopt));
  REQUIRE(mine.connection()->send("hello"));
  REQUIRE(mine.wait_received(5));
  CHECK_FALSE(mine.connection()->peer().encrypted());
  CHECK_FALSE(h.peer(0).connection()->peer().identity.has_value());
}

TEST_CASE("both sides know role, owner and address of the other") {
  head h;
  io loops;
  const auto mine = must_connect(loops, h, files_of(role::client));
  CHECK(mine->peer().identity == identity{role::head, "ada"});
  CHECK(mine->peer().address == h.port->address());
  const auto theirs = h.peer(0).connection();
  CHECK(theirs->peer().identity == identity{role::client, "ada"});
  CHECK(theirs->peer().address.substr(0, 10) == "127.0.0.1:");
}

TEST_CASE("messages arrive in order, and those that wait share frames") {
  head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h, either_role()));
  std::string expected;
  for (int i = 0; i < 20000; ++i) {
    const auto message = std::to_string(i) + ",";
    expected += message;
    REQUIRE(mine.connection()->send(message));
  }
  auto& theirs = h.peer(0);
  REQUIRE(theirs.wait_received(expected.size()));
  CHECK(theirs.received() == expected);
  CHECK(theirs.frames() < 10000);
}

TEST_CASE("messages sent on the io thread while a write is busy leave together") {
  std::atomic<bool> done{false};
  head h(quick_settings(), true, {}, [&](recorder& r, std::shared_ptr<link> l) {
    l->established();
    r.attach(l);
    for (int i = 0; i < 100; ++i) CHECK(l->send("m"));
    done = true;
  });
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  REQUIRE(mine.wait_received(100));
  CHECK(done);
  CHECK(mine.frames() == 2);  // the first at once, the others when it had left
}

TEST_CASE("a message of several TLS records leaves before its sender does something else") {
  head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  auto& theirs = h.peer(0);
  constexpr std::size_t size = 100'000;
  std::promise<bool> arrived;
  mine.connection()->post([&, link = mine.connection()] {
    CHECK(link->send(blob(size)));
    arrived.set_value(theirs.wait_received(size));  // the io thread does nothing else
  });
  CHECK(arrived.get_future().get());
}

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

TEST_CASE("frames of all sizes around those that leave in one turn arrive whole and in order") {
  echo_head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h, either_role()));
  std::string expected;
  for (std::size_t records : {1, 16, 17, 18}) {
    for (int more : {-40, -14, -1, 0, 1, 40}) {
      expected += blob(records * 16384 + more, static_cast<char>('a' + records));
      REQUIRE(mine.connection()->send(blob(records * 16384 + more, static_cast<char>('a' + records))));
    }
  }
  REQUIRE(mine.wait_received(expected.size()));
  CHECK(mine.received() == expected);
}

TEST_CASE("a frame of joined messages stays below the coalescing size") {
  auto s = quick_settings();
  s.coalesce_bytes = 1000;
  std::atomic<std::size_t> largest{0};
  head h(s, true, {}, [&](recorder& r, std::shared_ptr<link> l) {
    l->established();
    r.attach(l, [&](std::string_view f) { largest = std::max(largest.load(), f.size()); });
  });
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  for (int i = 0; i < 3000; ++i) REQUIRE(mine.connection()->send(blob(300)));
  REQUIRE(h.peer(0).wait_received(900000));
  CHECK(largest <= 1000);
  CHECK(largest > 300);
}

TEST_CASE("a client that floods its head doesn't keep others from being read") {
  constexpr std::size_t least = 1 << 20;  // many times what is read in one turn
  std::atomic<std::size_t> flooded{0}, before_other{0};
  head h(quick_settings(), true, {}, [&](recorder& r, std::shared_ptr<link> l) {
    l->established();
    r.attach(l, [&](std::string_view frame) {
      if (frame.front() == 'f')
        flooded += frame.size();
      else
        before_other = flooded.load();
    });
  });
  io loops;
  recorder flood, other;
  flood.attach(must_connect(loops, h, files_of(role::client)));
  other.attach(must_connect(loops, h));
  for (auto* r : {&flood, &other}) {
    const std::string word = r == &flood ? "f" : "o";
    auto& theirs = h.peer(r == &flood ? 0 : 1);
    REQUIRE(r->connection()->send(word));
    REQUIRE(theirs.wait_received(1));
    theirs.connection()->pause_reading();  // a read is under way, which ends with one more frame
    REQUIRE(r->connection()->send(word));
    REQUIRE(theirs.wait_received(2));
  }
  std::size_t sent = 2;
  const auto part = blob(64 << 10, 'f');
  while (flood.connection()->queued_bytes() == 0 || sent < 4 * least) {
    REQUIRE(flood.connection()->send(part));
    sent += part.size();
  }
  REQUIRE(other.connection()->send("o"));
  REQUIRE(eventually([&] { return other.connection()->queued_bytes() == 0; }));
  auto from_flood = h.peer(0).connection(), from_other = h.peer(1).connection();
  from_flood->post([=] {  // both before either is read
    from_flood->post([=] { from_flood->resume_reading(); });
    from_other->post([=] { from_other->resume_reading(); });
  });
  REQUIRE(h.peer(0).wait_received(sent));
  REQUIRE(h.peer(1).wait_received(3));
  CHECK(before_other < least);
}

TEST_CASE("many threads may send; each one's messages stay in order") {
  head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  std::vector<std::thread> senders;
  std::atomic<bool> ok{true};
  for (char c = 'a'; c < 'e'; ++c)
    senders.emplace_back([&, c] {
      for (int i = 0; i < 1000; ++i)
        if (!mine.connection()->send(std::string(1, c) + std::to_string(i) + ";")) ok = false;
    });
  for (auto& t : senders) t.join();
  CHECK(ok);
  std::size_t expected = 0;
  for (int i = 0; i < 1000; ++i) expected += 4 * (2 + std::to_string(i).size());
  auto& theirs = h.peer(0);
  REQUIRE(theirs.wait_received(expected));
  std::map<char, int> next;
  const auto text = theirs.received();
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find(';', at);
    REQUIRE(std::stoi(text.substr(at + 1, end - at - 1)) == next[text[at]]++);
    at = end + 1;
  }
}

TEST_CASE("a message over the frame limit is refused and the link stays") {
  echo_head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  const auto refused = mine.connection()->send(blob(max_frame_bytes + 1));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::too_large);
  REQUIRE(mine.connection()->send("still here"));
  CHECK(mine.wait_received(10));
}

TEST_CASE("while reading is paused the sender's bytes pile up, and are reported when they drain") {
  head h;
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h, either_role()));
  auto& theirs = h.peer(0);
  theirs.connection()->pause_reading();
  const auto part = blob(256 << 10);
  std::size_t sent = 0;
  while (mine.connection()->queued_bytes() < (8u << 20) && sent < (60u << 20)) {
    REQUIRE(mine.connection()->send(part));
    sent += part.size();
  }
  // Until the kernel's buffers were full, the queue may have filled and drained.
  const auto before = mine.drained();
  CHECK(mine.connection()->queued_bytes() >= (8u << 20));
  CHECK(theirs.frames() <= 1);
  CHECK(mine.drained() == before);
  theirs.connection()->resume_reading();
  REQUIRE(theirs.wait_received(sent));
  CHECK(eventually([&] { return mine.drained() == before + 1; }));
  CHECK(eventually([&] { return mine.connection()->queued_bytes() == 0; }));
}

TEST_CASE("a peer that never reads is closed when too many bytes wait for it") {
  auto s = quick_settings();
  s.max_queued_bytes = 1 << 20;
  deaf_head h(s);
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  result<void> last;
  for (int i = 0; i < 1000 && last; ++i) last = mine.connection()->send(blob(256 << 10));
  REQUIRE_FALSE(last);
  CHECK(last.error().code == errc::overloaded);
  CHECK(mine.wait_closed().code == errc::overloaded);
  const auto after = mine.connection()->send("x");
  REQUIRE_FALSE(after);
  CHECK(after.error().code == errc::unavailable);
}

TEST_CASE("a peer that never reads is closed when a frame can't leave in time") {
  auto s = quick_settings();
  s.write_deadline = 200ms;
  deaf_head h(s);
  io loops;
  recorder mine;
  mine.attach(must_connect(loops, h));
  while (mine.connection()->queued_bytes() < (16u << 20)) {
    if (!mine.connection()->send(blob(1 << 20))) break;
  }
  const auto why = mine.wait_closed();
  CHECK(why.code == errc::unavailable);
  CHECK(why.message.find("does not read") != std::string::npos);
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
