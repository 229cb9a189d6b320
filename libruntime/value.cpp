#include "libruntime/value.hpp"

#include <cstring>
#include <new>

namespace troupe {
namespace {

constexpr std::byte nil_byte{0xc0};

// Bounds for objects from peers: deep nesting would overflow the stack of whoever decodes it.
constexpr std::size_t max_depth = 128;

}  // namespace

// The bytes of a heap buffer follow the header in the same allocation.
struct value::buffer {
  std::atomic<std::uint32_t> owners{1};
  bool heap = true;
  const std::byte* begin = nullptr;
  std::size_t size = 0;
  std::function<void()> on_release;
};

value value::copy_of(bytes encoded) {
  if (encoded.size() == 1 && encoded[0] == nil_byte) return {};
  void* memory = ::operator new(sizeof(buffer) + encoded.size());
  auto* b = new (memory) buffer;
  auto* begin = reinterpret_cast<std::byte*>(b + 1);
  if (!encoded.empty()) std::memcpy(begin, encoded.data(), encoded.size());
  b->begin = begin;
  b->size = encoded.size();
  return value{b};
}

result<value> value::checked(bytes encoded) {
  // null_visitor walks the object without building one, so hostile lengths cost nothing.
  struct bounded : msgpack::null_visitor {
    std::size_t depth = 0;
    bool enter() { return ++depth <= max_depth; }
    bool start_array(std::uint32_t) { return enter(); }
    bool end_array() { return --depth, true; }
    bool start_map(std::uint32_t) { return enter(); }
    bool end_map() { return --depth, true; }
  } visitor;
  std::size_t offset = 0;
  try {
    bool whole = msgpack::parse(reinterpret_cast<const char*>(encoded.data()), encoded.size(),
                                offset, visitor);
    if (!whole || offset != encoded.size())
      return fail(errc::protocol, "not exactly one MessagePack object");
  } catch (const msgpack::unpack_error& e) {
    return fail(errc::protocol, std::string{"malformed MessagePack: "} + e.what());
  }
  return copy_of(encoded);
}

value value::wrap(bytes encoded, std::function<void()> release) {
  auto* b = new buffer;
  b->heap = false;
  b->begin = encoded.data();
  b->size = encoded.size();
  b->on_release = std::move(release);
  return value{b};
}

value::bytes value::data() const noexcept {
  if (!buffer_) return {&nil_byte, 1};
  return {buffer_->begin, buffer_->size};
}

bool value::is_heap() const noexcept { return buffer_ != nullptr && buffer_->heap; }

void value::retain() const noexcept {
  if (buffer_) buffer_->owners.fetch_add(1, std::memory_order_relaxed);
}

void value::release() noexcept {
  if (!buffer_ || buffer_->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  auto* b = std::exchange(buffer_, nullptr);
  if (b->heap) {
    b->~buffer();
    ::operator delete(b);
  } else {
    if (b->on_release) b->on_release();
    delete b;
  }
}

bool operator==(const value& a, const value& b) noexcept {
  auto x = a.data(), y = b.data();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size()) == 0;
}

}  // namespace troupe
