#include "libruntime/value.hpp"

#include <map>
#include <optional>
#include <thread>

#include "libruntime/protocol/wire.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("a value gives back what it was made of") {
  CHECK(value::of(42).as<int>() == 42);
  CHECK(value::of(std::string{"x"}).as<std::string>() == "x");
  std::map<std::string, std::vector<double>> m{{"a", {1, 2.5}}, {"b", {}}};
  CHECK(value::of(m).as<decltype(m)>() == m);
  std::vector<char> raw(1000, '\xff');
  auto v = value::of(raw);
  CHECK(v.size() == 1003);  // bin 16: three bytes of header
  CHECK(v.as<std::vector<char>>() == raw);
  CHECK_THROWS_AS(value::of("text").as<int>(), msgpack::type_error);
}

TEST_CASE("nil takes no memory, however it was made") {
  CHECK(value{}.is_nil());
  CHECK(value::of(msgpack::type::nil_t{}).is_nil());
  CHECK(value::checked(wire::as_bytes("\xc0"))->is_nil());
  CHECK(value{}.size() == 1);
  CHECK(value{} == value::of(msgpack::type::nil_t{}));
}

TEST_CASE("short ones are inside their handle: copies are equal and need no memory") {
  for (const std::string& text : {std::string{}, std::string{"a"}, std::string{"sixsix"},
                                  std::string{"sevens!"}, std::string(300, 'x')}) {
    auto v = value::of(text);
    CHECK(v.is_heap() == (v.size() > 7));
    auto copy = v;
    CHECK(copy == v);
    CHECK((copy.data().data() == v.data().data()) == v.is_heap());
    auto moved = std::move(copy);
    CHECK(copy.is_nil());
    CHECK(moved.as<std::string>() == text);
    moved = value::of(7);
    CHECK(moved.as<int>() == 7);
  }
  auto minus = value::of(-1);
  CHECK(minus.data()[0] == std::byte{0xff});
}

TEST_CASE("a pack buffer keeps everything, whatever the pieces") {
  pack_buffer b;
  std::string all;
  for (int i = 0; i < 100; ++i) {
    std::string piece(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    b.write(piece.data(), piece.size());
    all += piece;
    REQUIRE(b.bytes().size() == all.size());
    CHECK(std::memcmp(b.bytes().data(), all.data(), all.size()) == 0);
  }
}

TEST_CASE("handles share the bytes, over threads too") {
  auto v = value::of(std::string(100'000, 'x'));
  const auto* where = v.data().data();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([v, where] {
      for (int i = 0; i < 1000; ++i) {
        value copy = v;
        value moved = std::move(copy);
        if (moved.data().data() != where) std::abort();
      }
    });
  for (auto& t : threads) t.join();
  CHECK(v.data().data() == where);
  CHECK(v.is_heap());
}

TEST_CASE("wrapped memory is released with the last handle, once") {
  std::string memory = "\xa1x";
  int released = 0;
  auto v = value::wrap(wire::as_bytes(memory), [&] { ++released; });
  CHECK(!v.is_heap());
  CHECK(v.as<std::string>() == "x");
  auto second = v;
  v = {};
  CHECK(released == 0);
  second = value::of(1);
  CHECK(released == 1);
}

TEST_CASE("pieces are joined in order") {
  std::string a = "\x92\x01", b = "\xa1x";
  std::vector<value::bytes> pieces = {wire::as_bytes(a), {}, wire::as_bytes(b)};
  auto v = value::joined(pieces);
  CHECK(v.size() == 4);
  CHECK(v.as<std::tuple<int, std::string>>() == std::tuple<int, std::string>{1, "x"});
}

TEST_CASE("bytes from outside must be exactly one object, not nested too deeply") {
  CHECK(value::checked(wire::as_bytes("\x92\x01\x02")).has_value());
  CHECK(!value::checked(wire::as_bytes("")).has_value());
  CHECK(!value::checked(wire::as_bytes("\x92\x01")).has_value());
  CHECK(!value::checked(wire::as_bytes("\x01\x02")).has_value());
  CHECK(!value::checked(wire::as_bytes("\xc1")).has_value());
  CHECK(!value::checked(wire::as_bytes("\xdd\xff\xff\xff\xff\x01")).has_value());
  std::string deep(129, '\x91');
  CHECK(!value::checked(wire::as_bytes(deep + "\x01")).has_value());
  CHECK(value::checked(wire::as_bytes(deep.substr(1) + "\x01")).has_value());
}

TEST_CASE("values are equal when their bytes are") {
  CHECK(value::of(1) == value::of(1));
  CHECK(!(value::of(1) == value::of(2)));
  CHECK(!(value::of(1) == value{}));
}

TEST_CASE("a value inside a list is packed and unpacked as it is") {
  std::vector<value> list{value::of(1), value::of(std::string{"two"}), value{}};
  auto v = value::of(list);
  using unpacked = std::tuple<int, std::string, std::optional<int>>;
  CHECK(v.as<unpacked>() == unpacked{1, "two", std::nullopt});
  CHECK(v.as<std::vector<value>>() == list);
}
