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

// /bin/true, started by xargs -P2 -n1: processes a second.
double xargs_per_s(std::uint32_t processes);

}  // namespace troupe::bench
