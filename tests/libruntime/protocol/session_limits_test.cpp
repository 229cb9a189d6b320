// What a session refuses, from its own side and from a hostile peer.
#include "libruntime/protocol/session.hpp"

#include <set>

#include "tests/libruntime/protocol/session_pair.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::protocol;
using troupe::protocol::testing::session_pair;
using troupe::protocol::testing::text_value;

namespace {

// Frames as a peer could make them.
struct forged {
  std::string bytes;

  forged& open(std::uint32_t blob, std::uint64_t size, std::uint64_t kind = 0) {
    wire::writer w{bytes};
    w.array(4);
    for (std::uint64_t x : {std::uint64_t{100}, std::uint64_t{blob}, size, kind})
      w.unsigned_integer(x);
    return *this;
  }
  forged& data(std::uint32_t blob, std::string_view chunk) {
    wire::writer w{bytes};
    w.array(3);
    w.unsigned_integer(101);
    w.unsigned_integer(blob);
    w.binary(wire::as_bytes(chunk));
    return *this;
  }
  // finished with one item whose result is the blob
  forged& use(std::uint32_t blob) {
    wire::writer w{bytes};
    w.array(3);
    w.unsigned_integer(24);
    w.unsigned_integer(1);
    w.array(1);
    w.array(5);
    w.array(0);
    for (int i = 0; i < 3; ++i) w.unsigned_integer(0);
    w.extension(blob_extension, blob);
    return *this;
  }
};

failure refusal(session& s, const forged& f) {
  std::vector<message> out;
  auto done = s.receive(wire::as_bytes(f.bytes), out);
  REQUIRE(!done.has_value());
  return done.error();
}
failure refusal(const forged& f, session_settings settings = {}) {
  session s{settings};
  return refusal(s, f);
}

struct counting_store : blob_store {
  struct writer : blob_writer {
    explicit writer(counting_store& s) : store(s) { ++store.open; }
    ~writer() override { --store.open; }
    result<void> append(std::span<const std::byte> bytes) override {
      if (store.full) return fail(errc::io, "disk full");
      text += wire::as_text(bytes);
      return {};
    }
    result<value> finish() override { return value::copy_of(wire::as_bytes(text)); }
    counting_store& store;
    std::string text;
  };
  result<std::unique_ptr<blob_writer>> create(std::uint64_t size) override {
    sizes.push_back(size);
    return std::make_unique<writer>(*this);
  }
  std::vector<std::uint64_t> sizes;
  int open = 0;
  bool full = false;
};

}  // namespace

TEST_CASE("a value above the limit is refused where it is sent, and nothing of its message goes") {
  session_settings settings;
  settings.max_blob = 200'000;
  session_pair pair{settings};
  assign work;
  work.items.resize(2);
  work.items[0].arguments = text_value(100'000);
  work.items[1].arguments = text_value(300'000);
  auto sent = pair.left.send(work);
  REQUIRE(!sent.has_value());
  CHECK(sent.error().code == errc::too_large);
  CHECK(!pair.left.wants_to_write());
  pair.send(heartbeat{});
  pair.run();
  CHECK(pair.order() == "heartbeat");
}

TEST_CASE("a message above the limit is refused where it is sent") {
  session_settings settings;
  settings.max_message = std::size_t{1} << 20;
  session_pair pair{settings};
  CHECK(pair.left.send(protocol::stop{std::string(2 << 20, 'x')}).error().code == errc::too_large);
  CHECK(!pair.left.wants_to_write());
}

TEST_CASE("a peer that doesn't read can't grow the queue without end") {
  session_settings settings;
  settings.max_queued = 10'000;
  session s{settings};
  result<void> last;
  for (int i = 0; i < 10'000 && last; ++i) last = s.send(heartbeat{.running = 5});
  REQUIRE(!last.has_value());
  CHECK(last.error().code == errc::overloaded);
  CHECK(s.queued_bytes() < 20'000);
}

TEST_CASE("blobs that break the rules are refused") {
  CHECK(refusal(forged{}.open(1, 0)).message == "blob 1 is empty");
  CHECK(refusal(forged{}.open(1, std::uint64_t{1} << 60)).code == errc::too_large);
  CHECK(refusal(forged{}.open(1, 100, 7)).message == "blob 1 is of unknown kind 7");
  CHECK(refusal(forged{}.open(1, 100).open(1, 100)).message == "blob 1 is opened twice");
  CHECK(refusal(forged{}.open(1, 2).data(1, "\xa1x").open(1, 2)).code == errc::protocol);
  CHECK(refusal(forged{}.data(1, "x")).message == "data for blob 1, not open");
  CHECK(refusal(forged{}.open(1, 2).data(1, "xyz")).message ==
        "blob 1 is longer than was announced");
  CHECK(refusal(forged{}.open(1, 2).data(1, "")).message == "no data for blob 1");
  CHECK(refusal(forged{}.open(1, 2).data(1, "\x01\x02")).code == errc::protocol);  // two objects
  CHECK(refusal(forged{}.use(1)).code == errc::protocol);
  CHECK(refusal(forged{}.open(1, 2).data(1, "\xa1").use(1)).code == errc::protocol);
  CHECK(refusal(forged{}.open(1, 2).data(1, "\xa1x").use(1).use(1)).code == errc::protocol);
  forged many;
  for (std::uint32_t i = 0; i < 20; ++i) many.open(i, 100);
  CHECK(refusal(many).code == errc::overloaded);
  forged messages;
  for (std::uint32_t i = 0; i < 4; ++i) messages.open(i, 100, 1);
  CHECK(refusal(messages).code == errc::overloaded);
}

TEST_CASE("bytes beyond the window are refused") {
  session_settings settings;
  settings.window = 1000;
  session s{settings};
  std::vector<message> out;
  forged f;
  f.open(1, std::uint64_t{1} << 30);
  REQUIRE(s.receive(wire::as_bytes(f.bytes), out));
  forged chunk;
  chunk.data(1, std::string(1'000'000, 'x'));
  for (int i = 0; i < 4; ++i) REQUIRE(s.receive(wire::as_bytes(chunk.bytes), out));
  CHECK(refusal(s, chunk).message == "blob 1 is sent faster than was granted");
}

TEST_CASE("blobs waiting for a message are limited in number and bytes") {
  session_settings settings;
  settings.max_incoming_blobs = 3;
  forged many;
  for (std::uint32_t i = 0; i < 4; ++i) many.open(i, 2).data(i, "\xa1x");
  CHECK(refusal(many, settings).code == errc::overloaded);
  settings = {};
  settings.max_incoming_bytes = 100;
  CHECK(refusal(forged{}.open(1, 60).open(2, 60), settings).code == errc::overloaded);
}

TEST_CASE("a long message that is malformed, or more than one, is refused") {
  CHECK(refusal(forged{}.open(1, 1, 1).data(1, "\xc0")).code == errc::protocol);
  CHECK(refusal(forged{}.open(1, 4, 1).data(1, "\x91\x08\x91\x08")).code == errc::protocol);
  // blobs can't be nested in long messages
  CHECK(refusal(forged{}.open(1, 5, 1).data(1, "\x94\x64\x01\x01\x01")).code == errc::protocol);
}

TEST_CASE("unknown session messages and messages without a number are refused") {
  CHECK(refusal(forged{{"\x91\xcc\xc8", 3}}).message == "unknown message number 200");
  CHECK(refusal(forged{"\x90"}).code == errc::protocol);
  CHECK(refusal(forged{"\x92\x64\x01"}).code == errc::protocol);
}

TEST_CASE("a flood of pings without reading the answers is refused") {
  session s;
  std::string frame;
  for (int i = 0; i < 100; ++i) encode(ping{1}, frame);
  std::vector<message> out;
  CHECK(s.receive(wire::as_bytes(frame), out).error().code == errc::overloaded);
}

TEST_CASE("an oversized frame is refused unread") {
  session s;
  std::vector<message> out;
  std::string frame(std::size_t{2} << 20, '\x90');
  CHECK(s.receive(wire::as_bytes(frame), out).error().code == errc::too_large);
}

TEST_CASE("large blobs go to the store, small ones to memory") {
  counting_store store;
  session_settings settings;
  settings.store_threshold = 1'000'000;
  session_pair pair{settings, &store};
  for (std::size_t size : {100'000u, 2'000'000u}) {
    protocol::finished m;
    m.items.resize(1);
    m.items[0].result = text_value(size);
    pair.send(m);
  }
  pair.run();
  CHECK(store.sizes == std::vector<std::uint64_t>{2'000'005});
  CHECK(store.open == 0);
  CHECK(pair.all<finished>()[1].items[0].result == text_value(2'000'000));
}

TEST_CASE("once much waits in memory, everything goes to the store") {
  counting_store store;
  session_settings settings;
  settings.max_incoming_memory = 150'000;
  session_pair pair{settings, &store};
  protocol::assignment a;
  a.inputs = std::vector(3, text_value(100'000));
  pair.send(assign{{a}});
  pair.run();
  CHECK(store.sizes.size() == 2);
  CHECK(testing::text_value(100'000) == pair.all<assign>()[0].items[0].inputs[2]);
}

TEST_CASE("a store that fails ends the session with its reason") {
  counting_store store;
  store.full = true;
  session_settings settings;
  settings.store_threshold = 1;
  session_pair pair{settings, &store};
  pair.send(request{1, "m", text_value(100'000)});
  CHECK_THROWS_AS(pair.run(), std::logic_error);
}

TEST_CASE("a session that ends in the middle of a blob leaves no writer behind") {
  counting_store store;
  session_settings settings;
  settings.store_threshold = 1;
  {
    session_pair pair{settings, &store};
    pair.send(request{1, "m", text_value(1'000'000)});
    pair.step();
    CHECK(store.open == 1);
  }
  CHECK(store.open == 0);
}
