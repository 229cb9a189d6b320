// The state folder of a cluster (0700): its id, the epoch, certificates, launch ledgers, logs, and the
// record of the running head, by which commands of the same account find it. Held by one head at a
// time (flock). Blocking file work; no actors here.
//
//   STATE_DIR/cluster.json   id and epoch
//   STATE_DIR/head.json      the running head (see head_record); removed by an orderly end
//   STATE_DIR/lock           locked while a head lives
//   STATE_DIR/certs/         see net/certificates.hpp
//   STATE_DIR/launches/POOL  launch ledger of a pool
//   STATE_DIR/logs, scratch  what workers write
//   $XDG_STATE_HOME/troupe/latest   name of the state folder that was started last
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "libruntime/failure.hpp"
#include "libruntime/ids.hpp"

namespace troupe::actors {

// How to reach the head that runs, or ran last, in a state folder.
struct head_record {
  std::string name;
  std::string cluster_id;
  std::uint32_t epoch = 0;
  std::uint32_t pid = 0;
  std::string address;       // of links: "127.0.0.1:7400"
  std::string http;          // for people; empty: none
  std::string certificates;  // folder
  bool tls = true;
  std::int64_t started_at = 0;  // Unix seconds
};

// $XDG_STATE_HOME/troupe, or ~/.local/state/troupe.
std::filesystem::path state_root();

class cluster_state {
 public:
  // Makes the folder if it isn't there, locks it, and begins a new epoch. `dir` empty: NAME below
  // state_root(). Fails when another head holds it (names its pid and address).
  static result<cluster_state> open(const std::filesystem::path& dir, const std::string& name);

  cluster_state(cluster_state&&) noexcept;
  cluster_state& operator=(cluster_state&&) noexcept;
  ~cluster_state();  // unlocks; removes head.json if this object wrote it

  const std::filesystem::path& dir() const { return dir_; }
  const std::string& cluster_id() const { return cluster_id_; }
  epoch_id epoch() const { return epoch_; }

  // Announces the head: head.json, and this cluster as the latest.
  result<void> announce(const head_record& record);

 private:
  cluster_state() = default;
  std::filesystem::path dir_;
  std::string cluster_id_;
  epoch_id epoch_;
  int lock_ = -1;
  bool announced_ = false;
};

result<head_record> read_head_record(const std::filesystem::path& dir);
// Whether a process holds the folder's lock.
bool head_alive(const std::filesystem::path& dir);

// Which cluster a command means: `address`, else TROUPE_ADDRESS, else the latest one. An address is
// looked up among the state folders of this account for its certificates. Fails with `unavailable`
// and words that say what was tried.
result<head_record> find_cluster(const std::string& address, const std::string& certificates);

// Writes a file whole or not at all, 0600.
result<void> write_file(const std::filesystem::path& file, const std::string& text);
result<std::string> read_file(const std::filesystem::path& file);

}  // namespace troupe::actors
