// MessagePack bytes as msgpack-cxx's objects, for its adaptors to convert. msgpack::unpack allocates two
// stacks for every object that it reads; a call's arguments and result are mostly smaller than these.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <msgpack.hpp>

namespace troupe {

// Where arrays and maps stand while a value is unpacked. Each thread keeps the last one for the next:
// most values need its one small chunk and no more. Objects in it end with it.
class unpack_zone {
 public:
  unpack_zone();
  ~unpack_zone();
  unpack_zone(const unpack_zone&) = delete;
  unpack_zone& operator=(const unpack_zone&) = delete;
  msgpack::zone& operator*() const noexcept { return *zone_; }

 private:
  std::unique_ptr<msgpack::zone> zone_;
};

// The first object of the bytes. Strings, binaries and extensions refer to the bytes. Throws
// msgpack::insufficient_bytes, msgpack::parse_error, and msgpack::depth_size_overflow beyond 128 levels.
msgpack::object unpack_object(std::span<const std::byte> bytes, msgpack::zone& zone);

}  // namespace troupe
