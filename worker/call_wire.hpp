// What a worker and the process of its isolated calls say to each other, over a socket pair: frames of
// a kind, a size and a MessagePack body. Both ends are the same program on the same machine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <msgpack.hpp>

namespace troupe::worker::call_wire {

enum class kind : std::uint8_t {
  request = 1,    // worker → host: call_request, with the log descriptors; the arguments follow
  arguments = 2,  // worker → host: the value's bytes
  stop = 3,       // worker → host: one byte, the stop_reason
  progress = 4,   // host → worker: [fraction, text]
  success = 5,    // host → worker: the value's bytes
  failed = 6,     // host → worker: [code, message, type]
  begun = 7,      // host → worker: empty; the request is whole and the function is called now
};

struct call_request {
  std::string function;
  std::uint32_t job = 0, index = 0;
  std::uint16_t attempt = 0;
  std::string scratch;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::pair<std::string, std::int64_t>> amounts;
  std::map<std::string, std::vector<std::uint32_t>> indexes;
  MSGPACK_DEFINE(function, job, index, attempt, scratch, env, amounts, indexes)
};

struct header {
  std::uint64_t size = 0;
  kind what{};
};
inline constexpr std::size_t header_size = 9;
inline constexpr std::uint64_t max_body = std::uint64_t{16} << 30;

inline std::string pack_header(kind what, std::uint64_t size) {
  std::string out(header_size, '\0');
  std::memcpy(out.data(), &size, sizeof size);
  out[8] = static_cast<char>(what);
  return out;
}
inline header unpack_header(const char* bytes) {
  header h;
  std::memcpy(&h.size, bytes, sizeof h.size);
  h.what = static_cast<kind>(bytes[8]);
  return h;
}

template <class T>
std::string frame(kind what, const T& body) {
  msgpack::sbuffer bytes;
  msgpack::pack(bytes, body);
  return pack_header(what, bytes.size()).append(bytes.data(), bytes.size());
}
inline std::string raw_frame(kind what, std::string_view body) {
  return pack_header(what, body.size()).append(body);
}

template <class T>
T unpack(std::string_view body) {
  return msgpack::unpack(body.data(), body.size()).get().as<T>();
}

}  // namespace troupe::worker::call_wire
