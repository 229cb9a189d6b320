#include "libruntime/value.hpp"

#include <cstring>
#include <new>

#include "libruntime/protocol/wire.hpp"

namespace troupe {
namespace {

constexpr std::byte nil_byte{0xc0};

}  // namespace

// What a handle points to. The bytes of a heap buffer follow this in the same allocation.
struct value::buffer {
  std::atomic<std::uint32_t> owners{1};
  bool heap = true;
  std::size_t size = 0;
};

struct value::wrapped : buffer {
  const std::byte* begin = nullptr;
  std::function<void()> on_release;
};

value value::copy_of(bytes encoded) { return joined({&encoded, 1}); }

value value::joined(std::span<const bytes> pieces) {
  std::size_t size = 0;
  for (auto piece : pieces) size += piece.size();
  void* memory = ::operator new(sizeof(buffer) + size);
  auto* b = new (memory) buffer;
  auto* begin = reinterpret_cast<std::byte*>(b + 1);
  b->size = size;
  for (auto piece : pieces) {
    if (!piece.empty()) std::memcpy(begin, piece.data(), piece.size());
    begin += piece.size();
  }
  value out{b};
  if (size == 1 && out.data()[0] == nil_byte) return {};
  return out;
}

result<value> value::checked(bytes encoded) {
  if (auto fine = wire::check_object(encoded); !fine) return tl::unexpected{fine.error()};
  return copy_of(encoded);
}

value value::wrap(bytes encoded, std::function<void()> release) {
  auto* b = new wrapped;
  b->heap = false;
  b->begin = encoded.data();
  b->size = encoded.size();
  b->on_release = std::move(release);
  return value{b};
}

value::bytes value::data() const noexcept {
  if (!buffer_) return {&nil_byte, 1};
  auto* begin = buffer_->heap ? reinterpret_cast<const std::byte*>(buffer_ + 1)
                              : static_cast<const wrapped*>(buffer_)->begin;
  return {begin, buffer_->size};
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
    auto* w = static_cast<wrapped*>(b);
    if (w->on_release) w->on_release();
    delete w;
  }
}

bool operator==(const value& a, const value& b) noexcept {
  auto x = a.data(), y = b.data();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size()) == 0;
}

}  // namespace troupe
