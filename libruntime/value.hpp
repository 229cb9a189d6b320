// A value: MessagePack bytes in an immutable shared buffer. Only the client that made it and the
// function that takes it look inside; everything between passes a pointer. 8 bytes a handle.
//
// Thread-safety: a handle is like a shared_ptr; the bytes never change once the handle exists.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <msgpack.hpp>

#include "libruntime/failure.hpp"

namespace troupe {

class value {
 public:
  using bytes = std::span<const std::byte>;

  value() noexcept = default;  // nil
  value(const value& other) noexcept : buffer_(other.buffer_) { retain(); }
  value(value&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  value& operator=(value other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~value() { release(); }

  // Copies bytes that are one MessagePack object. The caller vouches for them; bytes from a peer go
  // through `checked` first.
  static value copy_of(bytes encoded);
  // As copy_of, of the pieces one after another; copies each byte once.
  static value joined(std::span<const bytes> pieces);
  // As copy_of, for bytes from outside: refuses anything but exactly one well-formed object.
  static result<value> checked(bytes encoded);
  // Shares memory owned by something else (a mapped file); `release` runs when the last handle goes.
  static value wrap(bytes encoded, std::function<void()> release);

  // Encodes with msgpack-cxx adaptors. Large std::vector<char> and the like become `bin`.
  template <class T>
  static value of(const T& x) {
    msgpack::sbuffer out;
    msgpack::pack(out, x);
    return copy_of({reinterpret_cast<const std::byte*>(out.data()), out.size()});
  }

  // Throws msgpack::type_error or msgpack::unpack_error when the value is not a T.
  template <class T>
  T as() const {
    auto b = data();
    auto handle = msgpack::unpack(reinterpret_cast<const char*>(b.data()), b.size());
    return handle.get().template as<T>();
  }

  // One MessagePack object; for nil the single byte 0xc0.
  bytes data() const noexcept;
  std::size_t size() const noexcept { return data().size(); }
  bool is_nil() const noexcept { return buffer_ == nullptr; }
  // Whether the bytes are memory of ours (counted against limits) or belong to `wrap`'s owner.
  bool is_heap() const noexcept;

  friend bool operator==(const value& a, const value& b) noexcept;

 private:
  struct buffer;
  struct wrapped;
  explicit value(buffer* b) noexcept : buffer_(b) {}
  void retain() const noexcept;
  void release() noexcept;

  buffer* buffer_ = nullptr;
};
static_assert(sizeof(value) == sizeof(void*));

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
