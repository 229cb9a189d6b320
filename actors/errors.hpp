// Failures as CAF carries them, and back: the only place where the two meet.
#pragma once

#include <caf/error.hpp>

#include "libruntime/failure.hpp"

namespace troupe::actors {

caf::error to_error(const failure& f);
// Errors of CAF itself become `unavailable` (the other actor is gone or silent) or `internal`.
failure to_failure(const caf::error& e);

}  // namespace troupe::actors
