#include "libruntime/unpack.hpp"

#include <bit>
#include <cstdint>
#include <utility>

#include "libruntime/protocol/wire.hpp"

namespace troupe {
namespace {

constexpr std::size_t chunk_size = 512;

std::unique_ptr<msgpack::zone>& spare_zone() {
  thread_local std::unique_ptr<msgpack::zone> kept;
  return kept;
}

class object_reader {
 public:
  object_reader(std::span<const std::byte> bytes, msgpack::zone& zone)
      : cursor_(bytes.data()), end_(bytes.data() + bytes.size()), zone_(zone) {}

  void read(msgpack::object& out, std::size_t depth) {
    const auto tag = number<std::uint8_t>();
    if (tag < 0x80) return positive(out, tag);
    if (tag >= 0xe0) return negative(out, static_cast<std::int8_t>(tag));
    if (tag <= 0x8f) return map(out, tag & 0x0f, depth);
    if (tag <= 0x9f) return array(out, tag & 0x0f, depth);
    if (tag <= 0xbf) return text(out, tag & 0x1f);
    switch (tag) {
      case 0xc0: out.type = msgpack::type::NIL; return;
      case 0xc2:
      case 0xc3:
        out.type = msgpack::type::BOOLEAN;
        out.via.boolean = tag == 0xc3;
        return;
      case 0xc4: return binary(out, number<std::uint8_t>());
      case 0xc5: return binary(out, number<std::uint16_t>());
      case 0xc6: return binary(out, number<std::uint32_t>());
      case 0xc7: return extension(out, number<std::uint8_t>());
      case 0xc8: return extension(out, number<std::uint16_t>());
      case 0xc9: return extension(out, number<std::uint32_t>());
      case 0xca: return real(out, msgpack::type::FLOAT32, std::bit_cast<float>(number<std::uint32_t>()));
      case 0xcb: return real(out, msgpack::type::FLOAT64, std::bit_cast<double>(number<std::uint64_t>()));
      case 0xcc: return positive(out, number<std::uint8_t>());
      case 0xcd: return positive(out, number<std::uint16_t>());
      case 0xce: return positive(out, number<std::uint32_t>());
      case 0xcf: return positive(out, number<std::uint64_t>());
      case 0xd0: return negative(out, static_cast<std::int8_t>(number<std::uint8_t>()));
      case 0xd1: return negative(out, static_cast<std::int16_t>(number<std::uint16_t>()));
      case 0xd2: return negative(out, static_cast<std::int32_t>(number<std::uint32_t>()));
      case 0xd3: return negative(out, static_cast<std::int64_t>(number<std::uint64_t>()));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8: return extension(out, 1u << (tag - 0xd4));
      case 0xd9: return text(out, number<std::uint8_t>());
      case 0xda: return text(out, number<std::uint16_t>());
      case 0xdb: return text(out, number<std::uint32_t>());
      case 0xdc: return array(out, number<std::uint16_t>(), depth);
      case 0xdd: return array(out, number<std::uint32_t>(), depth);
      case 0xde: return map(out, number<std::uint16_t>(), depth);
      case 0xdf: return map(out, number<std::uint32_t>(), depth);
      default: throw msgpack::parse_error("a byte that MessagePack never uses");
    }
  }

 private:
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - cursor_); }
  void need(std::uint64_t n) const {
    if (n > remaining()) throw msgpack::insufficient_bytes("cut off");
  }
  template <class T>
  T number() {
    need(sizeof(T));
    return wire::load_big_endian<T>(std::exchange(cursor_, cursor_ + sizeof(T)));
  }
  const char* take(std::size_t n) {
    need(n);
    return reinterpret_cast<const char*>(std::exchange(cursor_, cursor_ + n));
  }

  static void positive(msgpack::object& out, std::uint64_t x) {
    out.type = msgpack::type::POSITIVE_INTEGER;
    out.via.u64 = x;
  }
  static void negative(msgpack::object& out, std::int64_t x) {
    if (x >= 0) return positive(out, static_cast<std::uint64_t>(x));
    out.type = msgpack::type::NEGATIVE_INTEGER;
    out.via.i64 = x;
  }
  static void real(msgpack::object& out, msgpack::type::object_type type, double x) {
    out.type = type;
    out.via.f64 = x;
  }
  void text(msgpack::object& out, std::uint32_t n) {
    out.type = msgpack::type::STR;
    out.via.str = {n, take(n)};
  }
  void binary(msgpack::object& out, std::uint32_t n) {
    out.type = msgpack::type::BIN;
    out.via.bin = {n, take(n)};
  }
  // msgpack-cxx counts the type's byte in the pointer, not in the size.
  void extension(msgpack::object& out, std::uint32_t n) {
    out.type = msgpack::type::EXT;
    out.via.ext = {n, take(std::size_t{n} + 1)};
  }

  // For `n` elements of at least `least` bytes each, so that a length alone takes no memory.
  template <class T>
  T* room(std::uint32_t n, std::size_t least, std::size_t depth) {
    if (depth == wire::max_depth) throw msgpack::depth_size_overflow("nested too deeply");
    need(std::uint64_t{n} * least);
    return n == 0 ? nullptr
                  : static_cast<T*>(zone_.allocate_align(std::size_t{n} * sizeof(T),
                                                         MSGPACK_ZONE_ALIGNOF(T)));
  }
  void array(msgpack::object& out, std::uint32_t n, std::size_t depth) {
    auto* items = room<msgpack::object>(n, 1, depth);
    for (std::uint32_t i = 0; i < n; ++i) read(*new (items + i) msgpack::object, depth + 1);
    out.type = msgpack::type::ARRAY;
    out.via.array = {n, items};
  }
  void map(msgpack::object& out, std::uint32_t n, std::size_t depth) {
    auto* items = room<msgpack::object_kv>(n, 2, depth);
    for (std::uint32_t i = 0; i < n; ++i) {
      auto& entry = *new (items + i) msgpack::object_kv;
      read(entry.key, depth + 1);
      read(entry.val, depth + 1);
    }
    out.type = msgpack::type::MAP;
    out.via.map = {n, items};
  }

  const std::byte* cursor_;
  const std::byte* end_;
  msgpack::zone& zone_;
};

}  // namespace

unpack_zone::unpack_zone() : zone_(std::exchange(spare_zone(), nullptr)) {
  if (!zone_) zone_ = std::make_unique<msgpack::zone>(chunk_size);
}

unpack_zone::~unpack_zone() {
#ifndef __SANITIZE_ADDRESS__  // which is to see what is used after it
  zone_->clear();
  spare_zone() = std::move(zone_);
#endif
}

msgpack::object unpack_object(std::span<const std::byte> bytes, msgpack::zone& zone) {
  msgpack::object out;
  object_reader{bytes, zone}.read(out, 0);
  return out;
}

}  // namespace troupe
