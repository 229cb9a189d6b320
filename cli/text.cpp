// See text.hpp.
#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include "libruntime/option_tree.hpp"

namespace troupe::cli {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Length of the well-formed UTF-8 character at the front of `s`, 0 if there is none. Overlong forms
// and surrogates are let through: a terminal shows its own replacement for them.
std::size_t character_length(std::string_view s) {
  auto c = static_cast<unsigned char>(s.front());
  std::size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3
                : c >= 0xf0 && c < 0xf5 ? 4 : 0;
  if (n == 0 || n > s.size()) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if (!is_continuation(s[i])) return 0;
  return n;
}

}  // namespace

std::string human_seconds(double s) {
  if (!std::isfinite(s)) return "?";
  if (s < 0) return "-" + human_seconds(-s);
  if (s == 0) return "0s";
  if (s < 0.001) return fmt::format("{:.0f}µs", std::max(1.0, s * 1e6));
  if (s < 0.9995) return fmt::format("{:.0f}ms", s * 1e3);
  if (s < 9.95) return fmt::format("{:.1f}s", s);
  auto whole = static_cast<std::uint64_t>(std::min(std::round(s), 1e15));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole / 3600 % 24);
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1023.95 && unit + 1 < units.size()) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, units[unit]);
}

std::string human_count(std::uint64_t n) {
  auto digits = std::to_string(n);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<std::size_t>(i), 1, ',');
  return digits;
}

std::string plural(std::uint64_t n, std::string_view noun) {
  return human_count(n) + ' ' + std::string{noun} + (n == 1 ? "" : "s");
}

std::string clock_time(double unix_seconds, double now) {
  auto at = static_cast<std::time_t>(unix_seconds), today = static_cast<std::time_t>(now);
  std::tm local{}, reference{};
  if (!localtime_r(&at, &local) || !localtime_r(&today, &reference)) return "?";
  bool same_day = local.tm_year == reference.tm_year && local.tm_yday == reference.tm_yday;
  std::array<char, 64> text{};
  auto n = std::strftime(text.data(), text.size(), same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S",
                         &local);
  return {text.data(), n};
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  auto best = nearest(word, candidates);
  return best.empty() ? "" : " (did you mean \"" + best + "\"?)";
}

std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    auto c = static_cast<unsigned char>(text.front());
    auto n = character_length(text);
    bool c1_control = n == 2 && c == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (n == 0) {
      out += '?';
    } else if (c < 0x20 || c == 0x7f || c1_control) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += text.substr(0, n);
    }
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::size_t display_width(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return !is_continuation(c); }));
}

std::string shorten(std::string_view utf8, std::size_t width) {
  if (display_width(utf8) <= width) return std::string{utf8};
  if (width == 0) return {};
  std::size_t end = 0, columns = 0;
  while (end < utf8.size()) {
    if (!is_continuation(utf8[end]) && columns++ == width - 1) break;
    ++end;
  }
  return std::string{utf8.substr(0, end)} + "…";
}

std::string in_quotes(std::string_view text) { return '"' + shorten(one_line(text), 60) + '"'; }

}  // namespace troupe::cli
