// See units.hpp. All sums are checked before they are made.
#include "libruntime/units.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace troupe {

namespace {

// A decimal number without sign or exponent, as an integer scaled by 10^-digits.
struct decimal {
  std::uint64_t digits = 0;
  std::uint64_t scale = 1;
};

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

// Longer names before those they begin with.
constexpr std::array duration_units{
    unit{"ns", 1},
    unit{"us", 1'000},
    unit{"ms", 1'000'000},
    unit{"s", 1'000'000'000},
    unit{"m", 60'000'000'000},
    unit{"h", 3'600'000'000'000},
    unit{"d", 86'400'000'000'000},
};

constexpr std::array byte_units{
    unit{"TiB", 1ULL << 40},
    unit{"GiB", 1ULL << 30},
    unit{"MiB", 1ULL << 20},
    unit{"KiB", 1ULL << 10},
    unit{"TB", 1'000'000'000'000},
    unit{"GB", 1'000'000'000},
    unit{"MB", 1'000'000},
    unit{"KB", 1'000},
    unit{"kB", 1'000},
    unit{"B", 1},
};

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes a number off the front of `text`. At most 9 digits after the point, all exact.
std::optional<decimal> take_number(std::string_view& text) {
  decimal d;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), d.digits);
  if (error != std::errc{} || text.empty() || !is_digit(text.front())) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty() || text.front() != '.') return d;
  text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  while (!text.empty() && is_digit(text.front())) {
    auto digit = static_cast<std::uint64_t>(text.front() - '0');
    if (d.scale > 100'000'000) return std::nullopt;
    if (d.digits > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return std::nullopt;
    d.digits = d.digits * 10 + digit;
    d.scale *= 10;
    text.remove_prefix(1);
  }
  return d;
}

// Takes a unit off the front of `text`: its factor.
template <std::size_t N>
std::optional<std::uint64_t> take_unit(std::string_view& text, const std::array<unit, N>& units) {
  auto length = text.find_first_of("0123456789. ");
  auto word = text.substr(0, length);
  for (const auto& u : units) {
    if (u.name != word) continue;
    text.remove_prefix(word.size());
    return u.factor;
  }
  return std::nullopt;
}

// digits × factor ÷ scale, rounded down; nothing when it is above `limit`.
std::optional<std::uint64_t> multiply(decimal d, std::uint64_t factor, std::uint64_t limit) {
  __extension__ using wide = unsigned __int128;  // digits < 2^64, factor < 2^47
  wide product = static_cast<wide>(d.digits) * factor / d.scale;
  if (product > limit) return std::nullopt;
  return static_cast<std::uint64_t>(product);
}

template <std::size_t N>
std::string format(std::uint64_t n, const std::array<unit, N>& units) {
  const unit* best = nullptr;  // the largest that leaves no remainder; the last one is 1
  for (const auto& u : units) {
    if (n % u.factor == 0 && (!best || u.factor > best->factor)) best = &u;
  }
  return std::to_string(n / best->factor) + std::string{best->name};
}

constexpr std::uint64_t longest = std::numeric_limits<std::int64_t>::max();

}  // namespace

std::optional<duration> parse_duration(std::string_view text) {
  if (text == "0") return duration::zero();
  if (text.empty()) return std::nullopt;
  std::uint64_t sum = 0;
  while (!text.empty()) {
    auto number = take_number(text);
    if (!number) return std::nullopt;
    auto factor = take_unit(text, duration_units);
    if (!factor) return std::nullopt;
    auto part = multiply(*number, *factor, longest - sum);
    if (!part) return std::nullopt;
    sum += *part;
  }
  return duration{static_cast<std::int64_t>(sum)};
}

std::string format_duration(duration d) {
  if (d.count() == 0) return "0s";
  if (d.count() < 0) return "-" + format(-static_cast<std::uint64_t>(d.count()), duration_units);
  return format(static_cast<std::uint64_t>(d.count()), duration_units);
}

std::optional<byte_count> parse_bytes(std::string_view text) {
  auto number = take_number(text);
  if (!number) return std::nullopt;
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  std::uint64_t factor = 1;
  if (!text.empty()) {
    auto named = take_unit(text, byte_units);
    if (!named || !text.empty()) return std::nullopt;
    factor = *named;
  } else if (number->scale != 1) {
    return std::nullopt;  // half a byte
  }
  auto product = multiply(*number, factor, std::numeric_limits<std::uint64_t>::max());
  if (!product) return std::nullopt;
  return byte_count{*product};
}

std::string format_bytes(byte_count n) {
  if (n.value == 0) return "0";
  // Below this, plain bytes read better than a unit that happens to divide them.
  if (n.value < 1000) return std::to_string(n.value);
  std::string text = format(n.value, byte_units);
  return text == std::to_string(n.value) + "B" ? std::to_string(n.value) : text;
}

std::optional<host_port> parse_host_port(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  auto digits = text.substr(colon + 1);
  host_port where;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), where.port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Only an IPv6 address has colons, and only in brackets: "::1:7400" could mean two things.
  if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%";
  if (host.empty() || host.size() > 255) return std::nullopt;
  if (host.find_first_not_of(allowed) != std::string_view::npos) return std::nullopt;
  where.host = host;
  return where;
}

std::string to_string(const host_port& where) {
  bool v6 = where.host.find(':') != std::string::npos;
  return (v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

bool is_loopback(const host_port& where) {
  const auto& host = where.host;
  if (host == "localhost" || host == "::1") return true;
  // An address, not a name that begins like one: "127.example.com" is somewhere else.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace troupe
