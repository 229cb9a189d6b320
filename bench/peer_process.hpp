// The other processes of references: they pass messages on and do nothing else. This program plays
// them when `peer_variable` is set; argv says which.
#pragma once

#include <optional>

namespace troupe::bench {

inline constexpr const char* peer_variable = "TROUPE_BENCH_PEER";

// The exit code, if this process is such a peer: `relay FOLDER WORKERS`, `worker FOLDER PORT`, `caf`.
std::optional<int> peer_process_main(int argc, char** argv);

// One end of each, in relay.cpp and reference_caf.cpp. They write "PORT\n" to descriptor 3 when others may
// connect, and end by a signal.
int run_relay(const char* folder, unsigned workers);
int run_relay_worker(const char* folder, unsigned short port);
int run_caf_echo();

}  // namespace troupe::bench
