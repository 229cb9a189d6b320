// Quantities as people write them: durations ("500ms", "1h30m"), byte sizes ("2GiB"), addresses
// ("127.0.0.1:7400"). Parsing is exact and total: no locale, no exceptions, no overflow; nothing is
// guessed, so that "5" without a unit is refused as a duration.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libruntime/time.hpp"

namespace troupe {

// A number of bytes. A type of its own, so that an option of it is read as "2GiB" and not as 2.
struct byte_count {
  std::uint64_t value = 0;

  constexpr byte_count() = default;
  constexpr byte_count(std::uint64_t v) : value(v) {}
  constexpr operator std::uint64_t() const { return value; }

  static constexpr byte_count kib(std::uint64_t n) { return n << 10; }
  static constexpr byte_count mib(std::uint64_t n) { return n << 20; }
  static constexpr byte_count gib(std::uint64_t n) { return n << 30; }
};

// Where to listen or connect. The host is a name, an IPv4 address, or an IPv6 address without its
// brackets; "" or "*" are not hosts: every interface is written 0.0.0.0 or [::].
struct host_port {
  std::string host;
  std::uint16_t port = 0;  // 0 when listening: any free one

  friend bool operator==(const host_port&, const host_port&) = default;
};

// Unsigned numbers with a unit each, largest first or not: "500ms", "1.5s", "1h30m", and "0".
// Units: ns, us, ms, s, m, h, d. Nothing when it is no such text or more than 292 years.
std::optional<duration> parse_duration(std::string_view text);
// The shortest exact form in one unit: "500ms", "90s", "2h", "0s".
std::string format_duration(duration d);

// "2GiB", "1.5 MB", "4096": a number and one of B, kB, KB, MB, GB, TB (powers of 1000), KiB, MiB,
// GiB, TiB (of 1024); without a unit, bytes.
std::optional<byte_count> parse_bytes(std::string_view text);
// Exact: in the largest unit of 1024 (else 1000) that leaves no remainder: "2GiB", "10MB", "4097".
std::string format_bytes(byte_count n);

// "host:port" or "[v6]:port".
std::optional<host_port> parse_host_port(std::string_view text);
std::string to_string(const host_port& where);

// Whether nothing outside this machine can reach it: "localhost", 127.0.0.0/8, ::1.
bool is_loopback(const host_port& where);

}  // namespace troupe
