#include "libruntime/resources.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace troupe {
namespace {

auto find(auto& entries, std::string_view name) {
  return std::lower_bound(entries.begin(), entries.end(), name,
                          [](const auto& entry, std::string_view key) { return entry.first < key; });
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

}  // namespace

resource_set::resource_set(std::initializer_list<std::pair<std::string, double>> amounts) {
  for (const auto& [name, units] : amounts)
    set(name, static_cast<amount>(std::llround(units * one_unit)));
}

result<resource_set> resource_set::parse(std::string_view text) {
  resource_set out;
  while (!trim(text).empty()) {
    auto comma = text.find(',');
    auto item = trim(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    auto equals = item.find('=');
    auto name = trim(item.substr(0, equals));
    if (equals == std::string_view::npos || name.empty())
      return fail(errc::invalid_argument,
                  "\"" + std::string{item} + "\" is not NAME=AMOUNT (such as GPU=1)");
    std::string number{trim(item.substr(equals + 1))};
    char* end = nullptr;
    double units = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0' || !std::isfinite(units) || units < 0 || units > 1e12)
      return fail(errc::invalid_argument, "\"" + number + "\" is not an amount of " +
                                              std::string{name} + " (a number of 0 or more)");
    out.set(name, static_cast<amount>(std::llround(units * one_unit)));
  }
  return out;
}

void resource_set::set(std::string_view name, amount a) {
  auto i = find(entries_, name);
  bool present = i != entries_.end() && i->first == name;
  if (a == 0) {
    if (present) entries_.erase(i);
  } else if (present) {
    i->second = a;
  } else {
    entries_.emplace(i, std::string{name}, a);
  }
}

amount resource_set::get(std::string_view name) const {
  auto i = find(entries_, name);
  return i != entries_.end() && i->first == name ? i->second : 0;
}

bool resource_set::contains(const resource_set& request) const { return times(request) > 0; }

std::string resource_set::missing(const resource_set& request) const {
  for (const auto& [name, a] : request.entries_)
    if (get(name) < a) return name;
  return {};
}

void resource_set::add(const resource_set& other) {
  for (const auto& [name, a] : other.entries_) set(name, get(name) + a);
}

void resource_set::subtract(const resource_set& other) {
  for (const auto& [name, a] : other.entries_) set(name, get(name) - a);
}

std::int64_t resource_set::times(const resource_set& request) const {
  auto n = std::numeric_limits<std::int64_t>::max();
  for (const auto& [name, a] : request.entries_)
    if (a > 0) n = std::min(n, get(name) / a);
  return n;
}

std::string to_string(const resource_set& r) {
  std::string out;
  for (const auto& [name, a] : r.entries()) {
    char number[32];
    std::snprintf(number, sizeof number, "%.10g", static_cast<double>(a) / one_unit);
    out += (out.empty() ? "" : ",") + name + '=' + number;
  }
  return out;
}

}  // namespace troupe
