// Events of a cluster as lines for people: who came and went, what was decided, which jobs began and
// ended. What happens to single tasks is left out. Pure.
#pragma once

#include <string>

#include "libruntime/protocol/messages.hpp"

namespace troupe::cli {

std::string story_line(const protocol::event_record& e);  // "": not worth a line

}  // namespace troupe::cli
