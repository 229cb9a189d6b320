// Moves results from memory to disk for the scheduler, which doesn't wait for disks. An actor with a
// thread of its own; ends with the scheduler.
#pragma once

#include <memory>

#include <caf/all.hpp>

#include "actors/file_store.hpp"

namespace troupe::actors {

struct spill {
  value bytes;
};

// Answers with the same value, backed by a file.
using result_spiller_actor = caf::typed_actor<caf::replies_to<spill>::with<value>>;
result_spiller_actor::behavior_type result_spiller(result_spiller_actor::pointer self,
                                                   std::shared_ptr<file_store> files);

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::spill)
