#include "libruntime/value.hpp"

#include <cstring>
#include <new>

#include "libruntime/protocol/wire.hpp"

namespace troupe {
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

value value::joined(std::span<const bytes> pieces) {
  std::size_t size = 0;
  for (auto piece : pieces) size += piece.size();
  auto copy = [&](std::byte* to) {
    for (auto piece : pieces) {
      if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
      to += piece.size();
    }
  };
  if (size <= longest_short) {
    std::byte raw[longest_short];
    copy(raw);
    return short_of({raw, size});
  }
  auto* b = new (::operator new(sizeof(buffer) + size)) buffer;
  b->size = size;
  copy(reinterpret_cast<std::byte*>(b + 1));
  return value{b};
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

value::bytes value::shared_data() const noexcept {
  const auto* b = shared_buffer();
  return {b->heap ? reinterpret_cast<const std::byte*>(b + 1)
                  : static_cast<const wrapped*>(b)->begin,
          b->size};
}

bool value::is_heap() const noexcept { return shared() && shared_buffer()->heap; }

void value::retain() const noexcept {
  shared_buffer()->owners.fetch_add(1, std::memory_order_relaxed);
}

void value::release() noexcept {
  auto* b = shared_buffer();
  if (b->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
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
