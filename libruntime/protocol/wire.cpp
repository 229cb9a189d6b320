#include "libruntime/protocol/wire.hpp"

namespace troupe::wire {
namespace {

constexpr bool is_continuation(unsigned char c) { return (c & 0xc0) == 0x80; }

// Length of the sequence at `s`, which does not begin with an ASCII byte; 0 when it is not valid
// (overlong, a surrogate, beyond U+10FFFF, cut off).
std::size_t sequence_length(const unsigned char* s, std::size_t n) {
  auto c = s[0];
  if (c >= 0xc2 && c <= 0xdf) return n >= 2 && is_continuation(s[1]) ? 2 : 0;
  if (c >= 0xe0 && c <= 0xef) {
    if (n < 3 || !is_continuation(s[1]) || !is_continuation(s[2])) return 0;
    if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] >= 0xa0)) return 0;
    return 3;
  }
  if (c >= 0xf0 && c <= 0xf4) {
    if (n < 4 || !is_continuation(s[1]) || !is_continuation(s[2]) || !is_continuation(s[3]))
      return 0;
    if ((c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] >= 0x90)) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t n = text.size(), i = 0;
  while (i < n) {
    std::uint64_t eight = 0;
    if (n - i >= 8 && (std::memcpy(&eight, s + i, 8), (eight & 0x8080808080808080u) == 0)) {
      i += 8;
    } else if (s[i] < 0x80) {
      ++i;
    } else {
      auto length = sequence_length(s + i, n - i);
      if (length == 0) return false;
      i += length;
    }
  }
  return true;
}

std::string reader::describe() const {
  if (!problem_) return "no error";
  return "byte " + std::to_string(problem_at_) + ": " + problem_;
}

// Takes the first byte and `size_of_length` more as an unsigned integer.
bool reader::length(std::size_t size_of_length, std::size_t& n) {
  if (remaining() < 1 + size_of_length) return fail("cut off");
  const auto* from = cursor_ + 1;
  switch (size_of_length) {
    case 1: n = load_big_endian<std::uint8_t>(from); break;
    case 2: n = load_big_endian<std::uint16_t>(from); break;
    case 4: n = load_big_endian<std::uint32_t>(from); break;
    default: n = load_big_endian<std::uint64_t>(from); break;
  }
  cursor_ += 1 + size_of_length;
  return true;
}

bool reader::unsigned_slow(std::uint64_t& x) {
  if (at_end()) return fail("cut off");
  auto tag = first();
  if (tag < 0x80) return x = tag, ++cursor_, true;
  if (tag >= 0xcc && tag <= 0xcf) {
    std::size_t n = 0;
    if (!length(std::size_t{1} << (tag - 0xcc), n)) return false;
    x = n;
    return true;
  }
  // Encoders that only know signed integers may send a positive one this way.
  std::int64_t s = 0;
  if (tag < 0xd0 || tag > 0xd3) return fail("expected an unsigned integer");
  if (!signed_integer(s)) return false;
  if (s < 0) return fail("expected an integer of 0 or more");
  x = static_cast<std::uint64_t>(s);
  return true;
}

bool reader::signed_integer(std::int64_t& x) {
  if (at_end()) return fail("cut off");
  auto tag = first();
  if (tag >= 0xe0) return x = static_cast<std::int8_t>(tag), ++cursor_, true;
  if (tag >= 0xd0 && tag <= 0xd3) {
    std::size_t n = 0;
    if (!length(std::size_t{1} << (tag - 0xd0), n)) return false;
    switch (tag) {
      case 0xd0: x = static_cast<std::int8_t>(n); break;
      case 0xd1: x = static_cast<std::int16_t>(n); break;
      case 0xd2: x = static_cast<std::int32_t>(n); break;
      default: x = static_cast<std::int64_t>(n); break;
    }
    return true;
  }
  std::uint64_t u = 0;
  if (tag >= 0x80 && (tag < 0xcc || tag > 0xcf)) return fail("expected an integer");
  if (!unsigned_integer(u)) return false;
  if (u > static_cast<std::uint64_t>(INT64_MAX)) return fail("integer too large");
  x = static_cast<std::int64_t>(u);
  return true;
}

bool reader::boolean(bool& x) {
  if (at_end()) return fail("cut off");
  auto tag = first();
  if (tag != 0xc2 && tag != 0xc3) return fail("expected true or false");
  x = tag == 0xc3;
  return ++cursor_, true;
}

bool reader::real(double& x) {
  if (at_end()) return fail("cut off");
  auto tag = first();
  std::size_t n = 0;
  if (tag == 0xca) {
    if (!length(4, n)) return false;
    x = std::bit_cast<float>(static_cast<std::uint32_t>(n));
    return true;
  }
  if (tag == 0xcb) {
    if (!length(8, n)) return false;
    x = std::bit_cast<double>(static_cast<std::uint64_t>(n));
    return true;
  }
  std::int64_t i = 0;
  if (tag >= 0x80 && tag < 0xcc) return fail("expected a number");
  if (!signed_integer(i)) return false;
  x = static_cast<double>(i);
  return true;
}

bool reader::text(std::string_view& x) {
  if (at_end()) return fail("cut off");
  auto tag = first();
  std::size_t n = 0;
  if (tag >= 0xa0 && tag <= 0xbf) {
    n = tag & 0x1f;
    ++cursor_;
  } else if (tag >= 0xd9 && tag <= 0xdb) {
    if (!length(std::size_t{1} << (tag - 0xd9), n)) return false;
  } else if (tag >= 0xc4 && tag <= 0xc6) {
    if (!length(std::size_t{1} << (tag - 0xc4), n)) return false;
  } else {
    return fail("expected a string");
  }
  if (n > remaining()) return fail("cut off inside a string");
  x = as_text({cursor_, n});
  cursor_ += n;
  return true;
}

bool reader::aggregate(std::uint8_t small, std::uint8_t tag16, const char* expected,
                       std::uint32_t& n) {
  if (at_end()) return fail("cut off");
  auto tag = first();
  std::size_t count = 0;
  if ((tag & 0xf0) == small) {
    count = tag & 0x0f;
    ++cursor_;
  } else if (tag == tag16 || tag == tag16 + 1) {
    if (!length(tag == tag16 ? 2 : 4, count)) return false;
  } else {
    return fail(expected);
  }
  n = static_cast<std::uint32_t>(count);
  return true;
}

bool reader::array_slow(std::uint32_t& n) { return aggregate(0x90, 0xdc, "expected an array", n); }
bool reader::map(std::uint32_t& n) { return aggregate(0x80, 0xde, "expected a map", n); }

bool reader::list(std::uint32_t& n) {
  if (!array(n)) return false;
  if (n > remaining()) return fail("a list longer than the bytes that follow");
  return charge(n);
}

bool reader::charge(std::size_t items) {
  if (items > items_) return fail_limit("more messages and list elements than one frame may hold");
  items_ -= items;
  return true;
}

bool reader::take_extension(std::int8_t type, std::uint32_t& body) {
  if (remaining() < 6 || first() != 0xd6) return false;
  if (std::to_integer<std::uint8_t>(cursor_[1]) != static_cast<std::uint8_t>(type)) return false;
  body = load_big_endian<std::uint32_t>(cursor_ + 2);
  cursor_ += 6;
  return true;
}

bool reader::step(std::uint64_t& children) {
  children = 0;
  if (at_end()) return fail("cut off");
  auto tag = first();
  std::size_t body = 0;
  if (tag < 0x80 || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3) {
    return ++cursor_, true;
  } else if (tag <= 0x9f) {
    children = (tag & 0x0f) * std::uint64_t{tag <= 0x8f ? 2u : 1u};
    return ++cursor_, true;
  } else if (tag <= 0xbf) {
    body = tag & 0x1f;
    ++cursor_;
  } else if (tag >= 0xdc) {
    std::size_t n = 0;
    if (!length(tag & 1 ? 4 : 2, n)) return false;
    children = n * std::uint64_t{tag >= 0xde ? 2u : 1u};
    return true;
  } else if (tag >= 0xc4 && tag <= 0xc6) {
    if (!length(std::size_t{1} << (tag - 0xc4), body)) return false;
  } else if (tag >= 0xd9) {
    if (!length(std::size_t{1} << (tag - 0xd9), body)) return false;
  } else if (tag >= 0xc7 && tag <= 0xc9) {
    if (!length(std::size_t{1} << (tag - 0xc7), body)) return false;
    ++body;  // the extension's type
  } else if (tag >= 0xca && tag <= 0xd3) {
    body = scalar_size[tag - 0xca];
    ++cursor_;
  } else if (tag >= 0xd4) {
    body = 1 + (std::size_t{1} << (tag - 0xd4));
    ++cursor_;
  } else {
    return fail("a byte that MessagePack never uses");
  }
  if (body > remaining()) return fail("cut off inside a value");
  cursor_ += body;
  return true;
}

bool reader::object_slow(bytes& x) {
  const auto* start = cursor_;
  std::array<std::uint64_t, max_depth> left;  // children still to come, by level
  std::size_t depth = 0;
  std::uint64_t children = 0;
  if (!step(children)) return false;
  while (true) {
    if (children > 0) {
      if (children > remaining()) return fail("an array or map longer than the bytes that follow");
      if (depth == max_depth) return fail_limit("nested too deeply");
      left[depth++] = children;
    }
    // Scalars in a row stay in this loop without touching the level above.
    while (depth > 0 && left[depth - 1] == 0) --depth;
    if (depth == 0) break;
    --left[depth - 1];
    if (!step(children)) return false;
  }
  x = {start, cursor_};
  return true;
}

result<void> check_object(bytes data) {
  reader r{data};
  if (!r.skip())
    return troupe::fail(r.over_limit() ? errc::too_large : errc::protocol,
                        "malformed MessagePack: " + r.describe());
  if (!r.at_end()) return troupe::fail(errc::protocol, "bytes follow the MessagePack object");
  return {};
}

}  // namespace troupe::wire
