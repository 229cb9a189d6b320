#include "libruntime/value.hpp"

#include <cstring>
#include <new>

#include "libruntime/protocol/wire.hpp"

namespace troupe {
namespace {

constexpr std::byte nil_byte{0xc0};

}  // namespace

// The bytes of a heap buffer follow the header in the same allocation.
struct value::buffer {
  std::atomic<std::uint32_t> owners{1};
  bool heap = true;
  const std::byte* begin = nullptr;
  std::size_t size = 0;
  std::function<void()> on_release;
};

value value::copy_of(bytes encoded) { return joined({&encoded, 1}); }

value value::joined(std::span<const bytes> pieces) {
  std::size_t size = 0;
  for (auto piece : pieces) size += piece.size();
  void* memory = ::operator new(sizeof(buffer) + size);
  auto* b = new (memory) buffer;
  auto* begin = reinterpret_cast<std::byte*>(b + 1);
  b->begin = begin;
  b->size = size;
  for (auto piece : pieces) {
    if (!piece.empty()) std::memcpy(begin, piece.data(), piece.size());
    begin += piece.size();
  }
  value out{b};
  if (size == 1 && *b->begin == nil_byte) return {};
  return out;
}

result<value> value::checked(bytes encoded) {
  if (auto fine = wire::check_object(encoded); !fine) return tl::unexpected{fine.error()};
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
