#include "libruntime/unpack.hpp"

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "libruntime/value.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

std::span<const std::byte> bytes_of(const std::string& s) {
  return std::as_bytes(std::span{s.data(), s.size()});
}

// As msgpack-cxx itself reads it.
bool same_as_theirs(const std::string& packed) {
  auto in_place = [](msgpack::type::object_type, std::size_t, void*) { return true; };
  auto theirs = msgpack::unpack(packed.data(), packed.size(), in_place);
  unpack_zone zone;
  return unpack_object(bytes_of(packed), *zone) == theirs.get();
}

class random_packer {
 public:
  explicit random_packer(std::uint64_t seed) : random_(seed) {}

  std::string next() {
    msgpack::sbuffer out;
    msgpack::packer<msgpack::sbuffer> p{out};
    any(p, 0);
    return {out.data(), out.size()};
  }

 private:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  // Never 0: msgpack-cxx compares empty strings by a null pointer, which sanitizers object to.
  std::uint32_t length() { return 1 + (below(20) == 0 ? below(70'000) : below(40)); }

  void any(msgpack::packer<msgpack::sbuffer>& p, int depth) {
    auto bits = random_() >> below(64);
    switch (below(depth < 4 ? 11 : 9)) {
      case 0: p.pack_nil(); return;
      case 1: p.pack(below(2) == 0); return;
      case 2: p.pack_uint64(bits); return;
      case 3: p.pack_int64(-static_cast<std::int64_t>(bits >> 1)); return;
      case 4: p.pack_fix_int64(static_cast<std::int64_t>(bits >> 1)); return;  // positive, signed on the wire
      case 5: below(2) == 0 ? p.pack_double(bits / 7.0) : p.pack_float(static_cast<float>(bits) / 7); return;
      case 6: p.pack(std::string(length(), 's')); return;
      case 7: p.pack(std::vector<char>(length(), 'b')); return;
      case 8: {
        auto n = below(4) == 0 ? length() : 1u << below(5);
        p.pack_ext(n, static_cast<std::int8_t>(below(256)));
        p.pack_ext_body(std::string(n, 'e').data(), n);
        return;
      }
      case 9: {
        auto n = below(20);
        p.pack_array(n);
        for (std::uint32_t i = 0; i < n; ++i) any(p, depth + 1);
        return;
      }
      default: {
        auto n = below(20);
        p.pack_map(n);
        for (std::uint32_t i = 0; i < 2 * n; ++i) any(p, depth + 1);
      }
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("objects are read as msgpack-cxx reads them, from many seeds") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    REQUIRE(same_as_theirs(random_packer{seed}.next()));
  }
}

TEST_CASE("what is empty is read as such") {
  unpack_zone zone;
  CHECK(unpack_object(bytes_of("\xa0"), *zone).as<std::string>().empty());
  CHECK(unpack_object(bytes_of(std::string{"\xc4\0", 2}), *zone).as<std::vector<char>>().empty());
  CHECK(unpack_object(bytes_of("\x90"), *zone).as<std::vector<int>>().empty());
  CHECK(unpack_object(bytes_of("\x80"), *zone).as<std::map<int, int>>().empty());
}

TEST_CASE("long arrays and maps are read") {
  msgpack::sbuffer out;
  msgpack::pack(out, std::vector<int>(70'000, -1));
  CHECK(same_as_theirs({out.data(), out.size()}));
  std::map<int, std::string> many;
  for (int i = 0; i < 70'000; ++i) many[i] = std::to_string(i);
  msgpack::sbuffer larger;
  msgpack::pack(larger, many);
  CHECK(same_as_theirs({larger.data(), larger.size()}));
}

TEST_CASE("what is cut off anywhere is said to be, and takes no memory for what it promises") {
  unpack_zone zone;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    auto whole = random_packer{seed}.next();
    INFO("seed " << seed);
    for (std::size_t n = 0; n < std::min<std::size_t>(whole.size(), 300); ++n)
      REQUIRE_THROWS_AS(unpack_object(bytes_of(whole.substr(0, n)), *zone), msgpack::insufficient_bytes);
  }
  for (std::string promise : {"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff",
                              "\xc6\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff"})
    CHECK_THROWS_AS(unpack_object(bytes_of(promise), *zone), msgpack::insufficient_bytes);
}

TEST_CASE("a byte that is no MessagePack, and nesting without end, are refused") {
  unpack_zone zone;
  CHECK_THROWS_AS(unpack_object(bytes_of("\xc1"), *zone), msgpack::parse_error);
  CHECK_NOTHROW(unpack_object(bytes_of(std::string(128, '\x91') + '\x01'), *zone));
  CHECK_THROWS_AS(unpack_object(bytes_of(std::string(129, '\x91') + '\x01'), *zone),
                  msgpack::depth_size_overflow);
}

TEST_CASE("values unpack inside the unpacking of another") {
  auto inner = value::of(std::vector<int>{4, 5});
  unpack_zone outer_zone;
  auto outer = value::of(std::vector<std::string>{"a", "b"});
  auto object = unpack_object(outer.data(), *outer_zone);
  CHECK(inner.as<std::vector<int>>() == std::vector{4, 5});
  CHECK(object.as<std::vector<std::string>>() == std::vector<std::string>{"a", "b"});
  CHECK_THROWS_AS(inner.as<std::string>(), msgpack::type_error);
  CHECK(inner.as<std::vector<int>>() == std::vector{4, 5});
}
