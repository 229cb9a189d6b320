// MessagePack as the codec needs it: a writer that appends to a string, and a reader that pulls from
// bytes a peer sent. The reader never allocates, never looks past its span, and bounds depth and the
// number of list elements; its first error sticks and every later read fails, so that callers may
// check once. Pure; no thread of its own; errors by return.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "libruntime/failure.hpp"

namespace troupe::wire {

using bytes = std::span<const std::byte>;

inline constexpr std::size_t max_depth = 128;  // of arrays and maps inside a value

inline bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(bytes data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

// Integers travel big-endian. (The builtins: std::byteswap is of C++23, and loops over bytes are not
// always seen through.)
template <class T>
T to_big_endian(T x) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) {
    return x;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(x);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(x);
  } else {
    return __builtin_bswap64(x);
  }
}
template <class T>
T load_big_endian(const std::byte* from) {
  T x;
  std::memcpy(&x, from, sizeof x);
  return to_big_endian(x);
}

bool is_utf8(std::string_view text);

// Appends to a string through a small buffer of its own, so that a field costs a few stores.
// The string is complete once the writer has been flushed or destroyed.
class writer {
 public:
  explicit writer(std::string& out) : out_(out) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  ~writer() { flush(); }

  void flush() {
    out_.append(buffer_.data(), static_cast<std::size_t>(cursor_ - buffer_.data()));
    cursor_ = buffer_.data();
  }

  void nil() { byte(0xc0); }
  void boolean(bool b) { byte(b ? 0xc3 : 0xc2); }

  void unsigned_integer(std::uint64_t x) {
    if (x < 0x80) {
      byte(static_cast<std::uint8_t>(x));
    } else if (x <= 0xff) {
      tagged(0xcc, static_cast<std::uint8_t>(x));
    } else if (x <= 0xffff) {
      tagged(0xcd, static_cast<std::uint16_t>(x));
    } else if (x <= 0xffff'ffff) {
      tagged(0xce, static_cast<std::uint32_t>(x));
    } else {
      tagged(0xcf, x);
    }
  }

  void signed_integer(std::int64_t x) {
    if (x >= 0) {
      unsigned_integer(static_cast<std::uint64_t>(x));
    } else if (x >= -32) {
      byte(static_cast<std::uint8_t>(x));
    } else if (x >= INT8_MIN) {
      tagged(0xd0, static_cast<std::uint8_t>(x));
    } else if (x >= INT16_MIN) {
      tagged(0xd1, static_cast<std::uint16_t>(x));
    } else if (x >= INT32_MIN) {
      tagged(0xd2, static_cast<std::uint32_t>(x));
    } else {
      tagged(0xd3, static_cast<std::uint64_t>(x));
    }
  }

  void real(double x) { tagged(0xcb, std::bit_cast<std::uint64_t>(x)); }

  void array(std::size_t n) { header(n, 0x90, 0xdc); }
  void map(std::size_t n) { header(n, 0x80, 0xde); }

  // As `str`, or as `bin` where it isn't UTF-8, so that any library can read it.
  void text(std::string_view s) {
    if (!is_utf8(s)) return binary(as_bytes(s));
    if (s.size() < 32) {
      byte(static_cast<std::uint8_t>(0xa0 | s.size()));
    } else if (s.size() <= 0xff) {
      tagged(0xd9, static_cast<std::uint8_t>(s.size()));
    } else if (s.size() <= 0xffff) {
      tagged(0xda, static_cast<std::uint16_t>(s.size()));
    } else {
      tagged(0xdb, static_cast<std::uint32_t>(s.size()));
    }
    raw(as_bytes(s));
  }

  void binary(bytes b) {
    if (b.size() <= 0xff) {
      tagged(0xc4, static_cast<std::uint8_t>(b.size()));
    } else if (b.size() <= 0xffff) {
      tagged(0xc5, static_cast<std::uint16_t>(b.size()));
    } else {
      tagged(0xc6, static_cast<std::uint32_t>(b.size()));
    }
    raw(b);
  }

  // An extension object whose body is one big-endian u32.
  void extension(std::int8_t type, std::uint32_t body) {
    room();
    put(0xd6);
    put(static_cast<std::uint8_t>(type));
    big_endian(body);
  }

  // Bytes that are MessagePack already.
  void raw(bytes b) {
    if (b.size() < largest_scalar) {  // most are: not worth a call
      room();
      for (auto x : b) put(std::to_integer<std::uint8_t>(x));
      return;
    }
    if (b.size() <= static_cast<std::size_t>(buffer_.data() + buffer_.size() - cursor_)) {
      std::memcpy(cursor_, b.data(), b.size());
      cursor_ += b.size();
      return;
    }
    flush();
    out_.append(as_text(b));
  }

 private:
  static constexpr std::size_t largest_scalar = 9;

  void room() {
    if (cursor_ + largest_scalar > buffer_.data() + buffer_.size()) flush();
  }
  void put(std::uint8_t b) { *cursor_++ = static_cast<char>(b); }
  void byte(std::uint8_t b) {
    room();
    put(b);
  }
  template <class T>
  void big_endian(T x) {
    x = to_big_endian(x);
    std::memcpy(cursor_, &x, sizeof x);
    cursor_ += sizeof x;
  }
  template <class T>
  void tagged(std::uint8_t tag, T x) {
    room();
    put(tag);
    big_endian(x);
  }
  // `small` holds up to 15 in its low bits; `tag16` is followed by 16 bits, `tag16 + 1` by 32.
  void header(std::size_t n, std::uint8_t small, std::uint8_t tag16) {
    if (n < 16) {
      byte(static_cast<std::uint8_t>(small | n));
    } else if (n <= 0xffff) {
      tagged(tag16, static_cast<std::uint16_t>(n));
    } else {
      tagged(static_cast<std::uint8_t>(tag16 + 1), static_cast<std::uint32_t>(n));
    }
  }

  std::string& out_;
  std::array<char, 512> buffer_;
  char* cursor_ = buffer_.data();
};

// Sizes of what follows the first byte of the kinds 0xca to 0xd3.
inline constexpr std::array<std::uint8_t, 10> scalar_size = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8};

class reader {
 public:
  // `items` bounds the elements of all lists together, because each becomes a struct far larger
  // than the single byte that it may take here.
  explicit reader(bytes data, std::size_t items = SIZE_MAX)
      : begin_(data.data()), cursor_(data.data()), end_(data.data() + data.size()), items_(items) {}

  bool ok() const { return problem_ == nullptr; }
  bool at_end() const { return cursor_ == end_; }
  std::size_t offset() const { return static_cast<std::size_t>(cursor_ - begin_); }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - cursor_); }
  const char* problem() const { return problem_; }
  bool over_limit() const { return over_limit_; }
  // "byte 17: expected an integer"
  std::string describe() const;

  // Always false, for `return r.fail("…")`. The text must be a literal.
  bool fail(const char* problem) {
    if (!problem_) problem_ = problem, problem_at_ = offset();
    cursor_ = end_;  // nothing more is read
    return false;
  }
  bool fail_limit(const char* problem) {
    over_limit_ = ok();
    return fail(problem);
  }

  bool unsigned_integer(std::uint64_t& x) {
    if (remaining() > sizeof x) {  // as many bytes as the longest takes
      const unsigned tag = first();
      if (tag < 0x80) return x = tag, ++cursor_, true;
      if (tag >= 0xcc && tag <= 0xcf) {
        const unsigned size = 1u << (tag - 0xcc);
        x = load_big_endian<std::uint64_t>(cursor_ + 1) >> (64 - 8 * size);
        return cursor_ += 1 + size, true;
      }
    }
    return unsigned_slow(x);
  }
  bool signed_integer(std::int64_t& x);
  bool boolean(bool& x);
  bool real(double& x);  // integers are taken too
  // The view is into the reader's bytes. `str` or `bin`.
  bool text(std::string_view& x);
  bool array(std::uint32_t& n) {
    if (cursor_ != end_ && (first() & 0xf0) == 0x90) return n = first() & 0x0f, ++cursor_, true;
    return array_slow(n);
  }
  bool map(std::uint32_t& n);
  // An array whose elements are stored: they are at least one byte each, and within the bound.
  bool list(std::uint32_t& n);
  bool charge(std::size_t items);

  // Takes a nil if that is what comes next.
  bool take_nil() {
    if (cursor_ == end_ || first() != 0xc0) return false;
    return ++cursor_, true;
  }
  // Takes an extension object of this type with a u32 body if that is what comes next.
  bool take_extension(std::int8_t type, std::uint32_t& body);

  // One object of whatever kind, checked to be well-formed; its bytes.
  bool object(bytes& x) {
    if (remaining() > sizeof(std::uint64_t)) {  // numbers, and no arguments
      const unsigned tag = first();
      std::size_t size = 0;
      if (tag < 0x80 || tag >= 0xe0 || tag == 0x90) size = 1;
      else if (tag >= 0xca && tag <= 0xd3) size = 1 + scalar_size[tag - 0xca];
      if (size != 0) return x = {cursor_, size}, cursor_ += size, true;
    }
    return object_slow(x);
  }
  // One object without its children, and how many those are (two for each entry of a map).
  bool step(std::uint64_t& children);
  bool skip() {
    bytes ignored;
    return object(ignored);
  }

 private:
  std::uint8_t first() const { return std::to_integer<std::uint8_t>(*cursor_); }
  bool unsigned_slow(std::uint64_t& x);
  bool array_slow(std::uint32_t& n);
  bool object_slow(bytes& x);
  bool length(std::size_t size_of_length, std::size_t& n);
  bool aggregate(std::uint8_t small, std::uint8_t tag16, const char* expected, std::uint32_t& n);

  const std::byte* begin_;
  const std::byte* cursor_;
  const std::byte* end_;
  std::size_t items_;
  const char* problem_ = nullptr;
  std::size_t problem_at_ = 0;
  bool over_limit_ = false;
};

// Whether these bytes are exactly one well-formed object, nested at most max_depth deep.
result<void> check_object(bytes data);

}  // namespace troupe::wire
