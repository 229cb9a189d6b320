// Zone files for tests, made byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libruntime/time_zone.hpp"

namespace troupe::testing {

inline void put(std::string& out, std::int64_t n, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(n >> (8 * i) & 0xff);
}

struct zone_change {
  std::int64_t at;
  int kind;
};

// Version 2 with an empty first part, as written today.
inline std::string zone_bytes(const std::vector<std::int32_t>& offsets,
                              const std::vector<zone_change>& changes, const std::string& rule) {
  std::string out;
  auto header = [&](std::size_t times, std::size_t kinds) {
    out += "TZif2";
    out.append(15, '\0');
    for (std::size_t n :
         {std::size_t{0}, std::size_t{0}, std::size_t{0}, times, kinds, std::size_t{4}})
      put(out, static_cast<std::int64_t>(n), 4);
  };
  auto kind = [&](std::int32_t offset) {
    put(out, offset, 4);
    put(out, 0, 2);
  };
  header(0, 1);
  kind(0);
  out.append(4, '\0');
  header(changes.size(), offsets.size());
  for (const auto& c : changes) put(out, c.at, 8);
  for (const auto& c : changes) put(out, c.kind, 1);
  for (auto o : offsets) kind(o);
  out.append(4, '\0');
  return out + "\n" + rule + "\n";
}

// Summer time of 2020 by transitions, of later years by the rule.
inline time_zone berlin() {
  auto z = time_zone::of_file(
      "Europe/Berlin",
      zone_bytes({3600, 7200}, {{1585443600, 1}, {1603587600, 0}}, "CET-1CEST,M3.5.0,M10.5.0/3"));
  return z.value();
}

}  // namespace troupe::testing
