// A value: MessagePack bytes in an immutable shared buffer. Only the client that made it and the
// function that takes it look inside; everything between passes a pointer. 8 bytes a handle; up to 7
// bytes (a small number, an array of one) are in the handle itself, so that what most calls take and
// give back costs no memory of its own.
//
// Thread-safety: a handle is like a shared_ptr; the bytes never change once the handle exists.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <msgpack.hpp>

#include "libruntime/failure.hpp"
#include "libruntime/unpack.hpp"

namespace troupe {

// Where msgpack-cxx writes what is to become a value: short ones on the stack.
class pack_buffer {
 public:
  void write(const char* data, std::size_t n) {
    if (size_ + n <= sizeof short_ && long_.empty()) {
      std::memcpy(short_ + size_, data, n);
      size_ += n;
      return;
    }
    if (long_.empty()) long_.assign(short_, size_);
    long_.append(data, n);
  }
  std::span<const std::byte> bytes() const {
    return std::as_bytes(long_.empty() ? std::span{short_, size_}
                                       : std::span<const char>{long_.data(), long_.size()});
  }

 private:
  char short_[240];
  std::size_t size_ = 0;
  std::string long_;  // everything, once it is too long
};

class value {
 public:
  using bytes = std::span<const std::byte>;

  value() noexcept = default;  // nil
  value(const value& other) noexcept : bits_(other.bits_) {
    if (shared()) retain();
  }
  value(value&& other) noexcept : bits_(std::exchange(other.bits_, 0)) {}
  value& operator=(value other) noexcept {
    std::swap(bits_, other.bits_);
    return *this;
  }
  ~value() {
    if (shared()) release();
  }

  // Copies bytes that are one MessagePack object. The caller vouches for them; bytes from a peer go
  // through `checked` first.
  static value copy_of(bytes encoded) {
    return encoded.size() <= longest_short ? short_of(encoded) : joined({&encoded, 1});
  }
  // As copy_of, of the pieces one after another; copies each byte once.
  static value joined(std::span<const bytes> pieces);
  // As copy_of, for bytes from outside: refuses anything but exactly one well-formed object.
  static result<value> checked(bytes encoded);
  // Shares memory owned by something else (a mapped file); `release` runs when the last handle goes.
  static value wrap(bytes encoded, std::function<void()> release);

  // Encodes with msgpack-cxx adaptors. Large std::vector<char> and the like become `bin`.
  template <class T>
  static value of(const T& x) {
    pack_buffer out;
    msgpack::pack(out, x);
    return copy_of(out.bytes());
  }

  // Throws msgpack::type_error or msgpack::unpack_error when the value is not a T.
  template <class T>
  T as() const {
    unpack_zone zone;
    return unpack_object(data(), *zone).template as<T>();
  }

  // One MessagePack object; for nil the single byte 0xc0. Valid while this very handle is neither
  // changed nor destroyed: short ones are inside.
  bytes data() const& noexcept {
    if (is_short()) return {reinterpret_cast<const std::byte*>(&bits_) + 1, (bits_ & 0xff) >> 1};
    return is_nil() ? bytes{&nil_byte, 1} : shared_data();
  }
  bytes data() const&& = delete;
  std::size_t size() const noexcept { return data().size(); }
  bool is_nil() const noexcept { return bits_ == 0; }
  // Whether the bytes are memory of ours (counted against limits) or inside the handle, or belong to
  // `wrap`'s owner.
  bool is_heap() const noexcept;

  friend bool operator==(const value& a, const value& b) noexcept;

 private:
  struct buffer;
  struct wrapped;
  static constexpr std::size_t longest_short = sizeof(std::uintptr_t) - 1;
  static constexpr std::byte nil_byte{0xc0};

  // Built in a register: to write bytes and load them as a word would wait for the stores.
  static value short_of(bytes encoded) noexcept {
    value out;
    if (encoded.size() == 1 && encoded[0] == nil_byte) return out;
    out.bits_ = encoded.size() << 1 | 1;
    for (std::size_t i = 0; i < encoded.size(); ++i)
      out.bits_ |= std::to_integer<std::uintptr_t>(encoded[i]) << (8 * (i + 1));
    return out;
  }
  explicit value(buffer* b) noexcept : bits_(reinterpret_cast<std::uintptr_t>(b)) {}
  bool is_short() const noexcept { return (bits_ & 1) != 0; }
  bool shared() const noexcept { return bits_ != 0 && !is_short(); }
  bytes shared_data() const noexcept;
  buffer* shared_buffer() const noexcept { return reinterpret_cast<buffer*>(bits_); }
  void retain() const noexcept;
  void release() noexcept;

  // 0: nil. Even: a buffer's address. Odd: short; its lowest byte, the first in memory, is twice the
  // length plus one, and the bytes follow.
  std::uintptr_t bits_ = 0;
};
static_assert(sizeof(value) == 8 && sizeof(void*) == 8);
static_assert(std::endian::native == std::endian::little);

}  // namespace troupe

// A value inside other types, and as a parameter or result of a function: whatever it is, as it is.
namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
namespace adaptor {

template <>
struct pack<troupe::value> {
  template <class Stream>
  packer<Stream>& operator()(packer<Stream>& out, const troupe::value& v) const {
    auto data = v.data();  // MessagePack already: appended without a header of its own
    out.pack_bin_body(reinterpret_cast<const char*>(data.data()),
                      static_cast<std::uint32_t>(data.size()));
    return out;
  }
};
template <>
struct convert<troupe::value> {
  const msgpack::object& operator()(const msgpack::object& o, troupe::value& v) const {
    v = troupe::value::of(o);
    return o;
  }
};

}  // namespace adaptor
}
}  // namespace msgpack
