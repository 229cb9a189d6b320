// See ranges.hpp.
#include "cli/ranges.hpp"

#include <charconv>
#include <limits>
#include <optional>
#include <string>

namespace troupe::cli {
namespace {

std::optional<task_index> parse_index(std::string_view text) {
  task_index n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

result<array_range> parse_array(std::string_view text) {
  auto quoted = "\"" + std::string{text} + "\"";
  auto dash = text.find('-');
  auto first = parse_index(text.substr(0, dash));
  auto last = dash == std::string_view::npos ? first : parse_index(text.substr(dash + 1));
  if (!first || !last)
    return fail(errc::invalid_argument,
                quoted + " is not FIRST-LAST with numbers from 0 to 4294967295, such as 1-80");
  if (*last < *first)
    return fail(errc::invalid_argument, quoted + " ends before it begins; write the smaller first");
  if (*first == 0 && *last == std::numeric_limits<task_index>::max())
    return fail(errc::invalid_argument, quoted + " is one task too many; leave out an end");
  return array_range{*first, *last};
}

}  // namespace troupe::cli
