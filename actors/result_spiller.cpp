#include "actors/result_spiller.hpp"

#include "actors/errors.hpp"
#include "actors/interfaces.hpp"

namespace troupe::actors {

result_spiller_actor::behavior_type result_spiller(result_spiller_actor::pointer,
                                                   std::shared_ptr<file_store> files) {
  return {[files = std::move(files)](const spill& s) -> caf::result<value> {
    auto stored = files->store(s.bytes);
    if (!stored) return to_error(stored.error());
    return std::move(*stored);
  }};
}

}  // namespace troupe::actors
