// What goes over a link between two io threads of one process, over loopback.
#include <future>
#include <map>
#include <thread>

#include "tests/net/support.hpp"

namespace troupe::net::test {

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

}  // namespace troupe::net::test
