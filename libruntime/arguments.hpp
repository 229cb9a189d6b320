// Building the arguments of a call: one MessagePack array in which results of other tasks are named
// by position (see input_extension in task_spec.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include <msgpack.hpp>

#include "libruntime/task_spec.hpp"
#include "libruntime/value.hpp"

namespace troupe {

// Stands in arguments, at any depth, for the result of the task at this position of its inputs.
struct input_reference {
  std::uint32_t position = 0;
};

// pack_arguments("in.txt", 3, input_reference{0}) → ["in.txt", 3, (result of inputs[0])]
template <class... Args>
value pack_arguments(const Args&... args) {
  pack_buffer out;
  msgpack::packer<pack_buffer> p{out};
  p.pack_array(sizeof...(args));
  (p.pack(args), ...);
  return value::copy_of(out.bytes());
}

}  // namespace troupe

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
namespace adaptor {

template <>
struct pack<troupe::input_reference> {
  template <class Stream>
  packer<Stream>& operator()(packer<Stream>& out, troupe::input_reference r) const {
    const char body[] = {static_cast<char>(r.position >> 24), static_cast<char>(r.position >> 16),
                         static_cast<char>(r.position >> 8), static_cast<char>(r.position)};
    out.pack_ext(sizeof body, troupe::input_extension);
    out.pack_ext_body(body, sizeof body);
    return out;
  }
};

}  // namespace adaptor
}
}  // namespace msgpack
