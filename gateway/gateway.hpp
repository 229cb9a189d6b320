// HTTP for people, Prometheus and scripts: health, metrics, a status page, and the questions of
// docs/control.md as GET requests. Changes are made over the link, where everybody has a certificate.
#pragma once

#include "actors/head.hpp"
#include "net/http.hpp"

namespace troupe::gateway {

// The handler for both of the head's ports; valid while the head is.
//
//   /healthz          200 while the process serves
//   /readyz           200 once pools are managed; 503 while it starts or stops
//   /metrics          Prometheus text format
//   /                 status page
//   /api/v1/NAME      status, jobs, job, tasks, workers, pools, why, version, config,
//                     autoscaler/decisions; parameters as in docs/control.md
net::http_handler make_handler(actors::head& head);

}  // namespace troupe::gateway
