// peer: the stand-in, in the head, of one remote client or worker. Owns its end of the link; turns
// frames into messages for the scheduler and outboxes into frames. Checks who it is (certificate,
// hello, launch token) before the scheduler hears of it, and on every message whether its role may
// send it. Runs on the io thread of its link. Ends with the link; the scheduler notices by its
// monitor.
#pragma once

#include <memory>
#include <string>

#include "actors/file_store.hpp"
#include "actors/interfaces.hpp"
#include "net/link.hpp"

namespace troupe::actors {

struct peer_options {
  std::string software, cluster_id, cluster_name;
  epoch_id epoch;
  duration heartbeat_interval = std::chrono::seconds{1};
  std::string owner;  // of the cluster: the same owner has admin rights
  std::shared_ptr<file_store> files;  // for large values that arrive
};

// What the link's io thread tells the peer.
struct frame_arrived {
  std::string bytes;
};
struct link_drained {};
struct link_closed {
  failure why;
};

using peer_actor = party_actor::extend<caf::reacts_to<frame_arrived>, caf::reacts_to<link_drained>,
                                       caf::reacts_to<link_closed>>;

// Spawns the peer for a link that has not been started.
void spawn_peer(caf::actor_system& system, std::shared_ptr<net::link> link,
                const scheduler_actor& scheduler, const peer_options& options);

}  // namespace troupe::actors

TROUPE_LOCAL_MESSAGE(frame_arrived)
TROUPE_LOCAL_MESSAGE(link_drained)
TROUPE_LOCAL_MESSAGE(link_closed)
