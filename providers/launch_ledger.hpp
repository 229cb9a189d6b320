// Which launches were begun and not confirmed gone, on disk: written and synced before a provider
// is called, read by the next head. One file a pool, in the cluster's state folder.
//
// A line a fact; a torn last line is ignored; the file is rewritten when most of it is history.
// Blocking: belongs to the cluster manager's own thread. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "libruntime/failure.hpp"
#include "providers/provider.hpp"

namespace troupe::providers {

class launch_ledger {
 public:
  // Opens or creates the file (0600) and reads what is open. A file that isn't a ledger is refused.
  static result<launch_ledger> open(std::filesystem::path file);
  ~launch_ledger();
  launch_ledger(launch_ledger&&) noexcept;
  launch_ledger& operator=(launch_ledger&&) noexcept;

  // Durable once it returns without a failure.
  result<void> launched(std::span<const request_id> requests);
  // Not synced: an end that is lost only means one more look at a list.
  result<void> ended(std::span<const request_id> requests);

  std::vector<request_id> open_launches() const { return {open_.begin(), open_.end()}; }

 private:
  launch_ledger(std::filesystem::path file, int fd);
  result<void> read();
  result<void> append(char kind, std::span<const request_id> requests, bool sync);
  result<void> rewrite();

  std::filesystem::path file_;
  int fd_ = -1;
  std::set<request_id> open_;
  std::size_t lines_ = 0;  // in the file
};

}  // namespace troupe::providers
