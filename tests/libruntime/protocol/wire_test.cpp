#include "libruntime/protocol/wire.hpp"

#include <limits>
#include <vector>

#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

template <class F>
std::string written(F f) {
  std::string out;
  wire::writer w{out};
  f(w);
  w.flush();
  return out;
}

bool well_formed(std::string_view s) { return wire::check_object(wire::as_bytes(s)).has_value(); }

}  // namespace

TEST_CASE("integers of all sizes come back, in the fewest bytes") {
  for (int shift = 0; shift < 64; ++shift) {
    for (std::uint64_t around : {0, 1, 2}) {
      std::uint64_t x = (std::uint64_t{1} << shift) - 1 + around;
      auto s = written([&](auto& w) { w.unsigned_integer(x); });
      wire::reader in{wire::as_bytes(s)};
      std::uint64_t y = 0;
      REQUIRE(in.unsigned_integer(y));
      REQUIRE(y == x);
      REQUIRE(in.at_end());
      REQUIRE(s.size() <= (x < 128 ? 1u : x < 256 ? 2u : x < 65536 ? 3u : x >> 32 ? 9u : 5u));
      for (auto z : {static_cast<std::int64_t>(x / 2), -static_cast<std::int64_t>(x / 2)}) {
        auto t = written([&](auto& w) { w.signed_integer(z); });
        wire::reader r{wire::as_bytes(t)};
        std::int64_t back = 0;
        REQUIRE(r.signed_integer(back));
        REQUIRE(back == z);
      }
    }
  }
  auto lowest = std::numeric_limits<std::int64_t>::min();
  auto s = written([&](auto& w) { w.signed_integer(lowest); });
  wire::reader in{wire::as_bytes(s)};
  std::int64_t back = 0;
  REQUIRE(in.signed_integer(back));
  CHECK(back == lowest);
}

TEST_CASE("a number is read alike whatever follows it, and cut off wherever it ends too early") {
  for (std::uint64_t x : {std::uint64_t{0}, std::uint64_t{0x7f}, std::uint64_t{0x80}, std::uint64_t{0xff},
                          std::uint64_t{0x1234}, std::uint64_t{0x1234'5678}, std::uint64_t{1} << 32,
                          UINT64_MAX}) {
    auto s = written([&](auto& w) { w.unsigned_integer(x); });
    for (std::size_t behind = 0; behind < 12; ++behind) {
      auto text = s + std::string(behind, '\xc3');
      std::vector<char> longer(text.begin(), text.end());  // no byte more, for the sanitizers
      INFO(x << " and " << behind << " bytes");
      std::uint64_t y = 0;
      wire::reader as_number{std::as_bytes(std::span{longer})};
      REQUIRE(as_number.unsigned_integer(y));
      CHECK(y == x);
      CHECK(as_number.offset() == s.size());
      wire::bytes object;
      wire::reader as_object{std::as_bytes(std::span{longer})};
      REQUIRE(as_object.object(object));
      CHECK(wire::as_text(object) == s);
    }
    for (std::size_t left = 0; left < s.size(); ++left) {
      std::uint64_t y = 0;
      wire::bytes object;
      CHECK_FALSE(wire::reader{wire::as_bytes(s).first(left)}.unsigned_integer(y));
      CHECK_FALSE(wire::reader{wire::as_bytes(s).first(left)}.object(object));
    }
  }
}

TEST_CASE("strings, bytes, arrays and maps of all header sizes are well-formed and come back") {
  for (std::size_t n : {0u, 1u, 15u, 16u, 31u, 32u, 255u, 256u, 511u, 513u, 65'535u, 65'536u}) {
    std::string text(n, 'q');
    auto s = written([&](auto& w) {
      w.array(3);
      w.text(text);
      w.binary(wire::as_bytes(text));
      w.array(n);
      for (std::size_t i = 0; i < n; ++i) w.nil();
    });
    REQUIRE(well_formed(s));
    wire::reader in{wire::as_bytes(s)};
    std::uint32_t count = 0;
    std::string_view a, b;
    REQUIRE((in.array(count) && in.text(a) && in.text(b) && in.list(count)));
    CHECK(a == text);
    CHECK(b == text);
    CHECK(count == n);
    auto m = written([&](auto& w) {
      w.map(n);
      for (std::size_t i = 0; i < 2 * n; ++i) w.boolean(true);
    });
    CHECK(well_formed(m));
  }
}

TEST_CASE("every first byte is either an object or refused") {
  for (int tag = 0; tag < 256; ++tag) {
    std::string s(1, static_cast<char>(tag));
    bool alone = tag < 0x80 || tag == 0x80 || tag == 0x90 || tag == 0xa0 || tag == 0xc0 ||
                 tag == 0xc2 || tag == 0xc3 || tag >= 0xe0;
    INFO("tag " << tag);
    CHECK(well_formed(s) == alone);
    s.append(64, '\0');
    wire::reader in{wire::as_bytes(s)};
    CHECK(in.skip() == (tag != 0xc1));
    constexpr std::size_t scalars[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8};
    if (tag >= 0xca && tag <= 0xd3) CHECK(in.offset() == 1 + scalars[tag - 0xca]);
  }
}

TEST_CASE("the first error sticks and says where it was") {
  std::string s = "\x01\xa1x\x02";
  wire::reader in{wire::as_bytes(s)};
  std::uint64_t x = 0;
  CHECK(in.unsigned_integer(x));
  CHECK(!in.unsigned_integer(x));
  CHECK(!in.unsigned_integer(x));
  CHECK(in.describe() == "byte 1: expected an unsigned integer");
}

TEST_CASE("UTF-8 is told from other bytes") {
  CHECK(wire::is_utf8(""));
  CHECK(wire::is_utf8("plain text that is longer than eight bytes"));
  CHECK(wire::is_utf8("Gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac \xf0\x9f\x8e\xad"));
  for (const char* bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                          "\xf4\x90\x80\x80", "12345678\xff", "\xe2\x82"})
    CHECK(!wire::is_utf8(bad));
}
