// See cron.hpp.
#include "libruntime/cron.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <vector>

#include "libruntime/civil_time.hpp"

namespace troupe {

namespace {

// Longer than the eight years without a February 29th around 1900, 2100 and 2200.
constexpr std::int64_t searched_days = 9 * 366;

struct field_rule {
  std::string_view name;
  int low, high;
  const std::string_view* names;  // of the numbers from `low`; null: none
};

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed",
                                                        "thu", "fri", "sat"};
constexpr std::array<field_rule, 5> fields{{
    {"minute", 0, 59, nullptr},
    {"hour", 0, 23, nullptr},
    {"day of the month", 1, 31, nullptr},
    {"month", 1, 12, month_names.data()},
    {"day of the week", 0, 7, weekday_names.data()},
}};

using failed = std::string;

std::string refusal(const field_rule& f, std::string_view text) {
  auto words = std::string{f.name} + " \"" + std::string{text} + "\"; expected " +
               std::to_string(f.low) + " to " + std::to_string(f.high);
  if (f.names) words += " or a name such as " + std::string{f.names[1]};
  return words + ", a range such as " + std::to_string(f.low + 1) + "-" +
         std::to_string(f.low + 4) + ", *, or these with a step such as */2";
}

std::optional<int> number(std::string_view text, int high) {
  int n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n < 0 || n > high) return {};
  return n;
}

std::optional<int> value_of(const field_rule& f, std::string_view text) {
  if (auto n = number(text, f.high); n && *n >= f.low) return n;
  const int count = f.high == 7 ? 7 : f.high - f.low + 1;
  for (int i = 0; f.names && text.size() == 3 && i < count; ++i) {
    bool same = true;
    for (std::size_t k = 0; k < 3; ++k) {
      const char c = text[k];
      same = same && (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == f.names[i][k];
    }
    if (same) return f.low + i;
  }
  return {};
}

// One item between commas, as numbers; false: it is none.
bool add_item(const field_rule& f, std::string_view item, std::vector<int>& out) {
  int step = 1;
  const auto slash = item.find('/');
  if (slash != std::string_view::npos) {
    const auto n = number(item.substr(slash + 1), f.high);
    if (!n || *n == 0) return false;
    step = *n;
    item = item.substr(0, slash);
  }
  int from = f.low, to = f.high;
  if (f.high == 7) to = 6;  // `*` is each day once
  if (item != "*") {
    const auto dash = item.find('-');
    const auto first = value_of(f, item.substr(0, dash));
    if (!first) return false;
    from = *first;
    if (dash != std::string_view::npos) {
      const auto last = value_of(f, item.substr(dash + 1));
      if (!last || *last < from) return false;
      to = *last;
    } else if (slash == std::string_view::npos) {
      to = from;
    }
  }
  for (int i = from; i <= to; i += step) out.push_back(i);
  return true;
}

tl::expected<std::vector<int>, failed> read_field(const field_rule& f, std::string_view text) {
  std::vector<int> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    if (!add_item(f, text.substr(begin, comma - begin), out))
      return tl::unexpected(refusal(f, text));
    begin = comma + 1;
  }
  return out;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(" \t", at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

}  // namespace

tl::expected<cron_expression, std::string> cron_expression::parse(std::string_view text) {
  const auto words = words_of(text);
  if (words.size() != fields.size())
    return tl::unexpected(std::to_string(words.size()) +
                          (words.size() == 1 ? " field" : " fields") +
                          "; expected 5: minute, hour, day of the month, month, day of the week");
  cron_expression e;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto numbers = read_field(fields[i], words[i]);
    if (!numbers) return tl::unexpected(std::move(numbers.error()));
    for (const int n : *numbers) {
      const auto k = static_cast<std::size_t>(n);
      if (i == 0) e.minutes_.set(k);
      if (i == 1) e.hours_.set(k);
      if (i == 2) e.days_.set(k);
      if (i == 3) e.months_.set(k);
      if (i == 4) e.weekdays_.set(k % 7);
    }
    e.text_ += (i > 0 ? " " : "") + std::string{words[i]};
  }
  e.any_day_ = words[2].front() == '*';
  e.any_weekday_ = words[4].front() == '*';
  // From the last day of a leap year, so that the search has seen every kind of day.
  constexpr std::int64_t end_of_2028 = 1861919940;
  if (!e.latest(end_of_2028)) return tl::unexpected(failed{"no day of any year is that one"});
  return e;
}

bool cron_expression::matches_day(std::int64_t day) const {
  using namespace std::chrono;
  const sys_days at{days{day}};
  const year_month_day date{at};
  if (!months_.test(unsigned{date.month()})) return false;
  const bool by_day = days_.test(unsigned{date.day()});
  const bool by_weekday = weekdays_.test(weekday{at}.c_encoding());
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

int cron_expression::latest_minute(int at_most) const {
  for (int hour = at_most / 60; hour >= 0; --hour) {
    if (!hours_.test(static_cast<std::size_t>(hour))) continue;
    for (int minute = hour == at_most / 60 ? at_most % 60 : 59; minute >= 0; --minute)
      if (minutes_.test(static_cast<std::size_t>(minute))) return hour * 60 + minute;
  }
  return -1;
}

std::optional<std::int64_t> cron_expression::latest(std::int64_t local) const {
  const auto today = floor_div(local, day_seconds);
  int at_most = static_cast<int>((local - today * day_seconds) / 60);
  for (auto day = today; day > today - searched_days; --day) {
    if (matches_day(day))
      if (const int minute = latest_minute(at_most); minute >= 0)
        return day * day_seconds + minute * 60;
    at_most = 24 * 60 - 1;
  }
  return {};
}

}  // namespace troupe
