// Reads task logs from the folders that workers of this machine write. An actor with a thread of its
// own, because disks can be slow; ends with the scheduler.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "libruntime/ids.hpp"
#include "libruntime/value.hpp"

namespace troupe::actors {

struct read_log {
  std::vector<std::string> folders;  // of this machine, where the file may be
  std::string file;                  // "12/3.out"
  std::uint64_t offset = 0;
  std::uint64_t limit = 0;  // bytes; at most max_log_read
  attempt_number attempt = 0;  // only what this one wrote; 0: all of them
  bool done = false;        // goes into the answer
};
inline constexpr std::uint64_t max_log_read = 256 << 10;

// Answers as docs/control.md says of logs.read; a file that isn't there is one without bytes.
using log_reader_actor = caf::typed_actor<caf::replies_to<read_log>::with<value>>;
log_reader_actor::behavior_type log_reader(log_reader_actor::pointer self);

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::read_log)
