// The Prometheus view of a cluster. The only file pair that knows prometheus-cpp.
#pragma once

#include <cstdint>
#include <string>

#include "actors/interfaces.hpp"

namespace troupe::gateway {

struct gateway_counters {
  std::uint64_t ok = 0, refused = 0, failed = 0;  // HTTP answers by class: 2xx, 4xx, 5xx
  std::uint64_t connections = 0, links = 0, handshakes_refused = 0, open_connections = 0;
};

// The text of /metrics. Names and labels are listed in docs/metrics.md; labels are bounded: pools,
// states, functions (the first 200), never tasks.
std::string metrics_text(const actors::metrics_view& m, const actors::decision_counts& decisions,
                         const gateway_counters& http);

}  // namespace troupe::gateway
