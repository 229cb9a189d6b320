// What the same work costs without Troupe's scheduling, measured in the same run.
#pragma once

#include <cstdint>

namespace troupe::bench {

struct latency {
  double p50_us = 0, p99_us = 0;
};

// A byte there and back over a TCP connection of this machine, between two threads with blocking
// sockets.
latency tcp_roundtrip(std::uint32_t times);

// A small message there and back over the link (TLS, WebSocket), between two threads of io.
latency link_roundtrip(std::uint32_t times);

// Items of 40 bytes a second over the link in messages of 64 KiB, each answered with as much: there
// and back, as calls and their results are.
double link_batched_items_per_s(std::uint32_t items);

// The messages of a map of no-ops, in the batches that a cluster has them in, from a client by way of
// one process to so many worker processes and back; nothing is scheduled or run.
double relay_items_per_s(std::uint32_t items, unsigned workers);

// A small message there and back over CAF's own network, between two processes, plain TCP.
latency caf_roundtrip(std::uint32_t times);
// Items of 40 bytes a second over CAF's network, 1,024 a message, each answered with as much.
double caf_batched_items_per_s(std::uint32_t items);

// /bin/true, started by xargs -P2 -n1: processes a second.
double xargs_per_s(std::uint32_t processes);

}  // namespace troupe::bench
