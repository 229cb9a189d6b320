// What differs between the settings that a cluster runs with and others, and what of it the cluster
// can take over while it runs: options that are marked live in their tables. The rest waits for the
// next start.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace troupe::config {

struct change {
  std::string path;                     // "pools[here].max"
  std::optional<std::string> from, to;  // JSON, secrets hidden; nothing: it is not there
  bool live = false;

  friend bool operator==(const change&, const change&) = default;
};

struct changes {
  std::vector<change> list;  // in the order of the file
  loaded effective;          // what runs, with every live change
};

// Pools are the same if their names are. Values that a pool only inherits are not listed again for
// it. The problems are those of `effective`: a live change that makes no sense without one that has
// to wait.
tl::expected<changes, problems> compare(const loaded& running, const loaded& wanted);

}  // namespace troupe::config
