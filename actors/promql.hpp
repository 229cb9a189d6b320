// What a Prometheus is asked (GET /api/v1/query) and what its answers mean. No I/O but the reading of
// secrets from their files.
#pragma once

#include <cstdint>
#include <string>

#include "autoscaler/signals.hpp"
#include "libruntime/failure.hpp"
#include "libruntime/settings.hpp"
#include "net/http.hpp"

namespace troupe::actors {

// The request for one value of `signal`. Fails when a file with a secret can't be read or used.
result<net::http_call_options> instant_query(const prometheus_settings& server,
                                             const signal_settings& signal);

// An answer, as a reading of the moment `now`, or of that before it which the answer gives. Both
// clocks are of the moment of the answer.
autoscaler::signal_reading reading_of(const signal_settings& signal,
                                      const result<net::http_response>& answer, time_point now,
                                      double unix_now);

}  // namespace troupe::actors
