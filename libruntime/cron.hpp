// Moments that repeat, written as the five fields of cron: minute, hour, day of the month, month,
// day of the week. Pure: works on local time as a count of seconds; which time that is for whom is
// time_zone's business.
//
// A field is `*`, a number, a range `1-5`, any of them with a step (`*/15`, `8-18/2`), or several
// with commas. Months and days of the week may be names (`jan`, `mon-fri`, in any case); 0 and 7
// are Sunday. As with cron, a day matches when either day field does, if both are restricted.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace troupe {

class cron_expression {
 public:
  // The error says which field is wrong, and what may stand there. An expression that no day of
  // any year matches (February 30th) is one.
  static tl::expected<cron_expression, std::string> parse(std::string_view text);

  // The latest matching minute at or before `local`: both in seconds since 1970-01-01 00:00 of the
  // clock on the wall. Nothing: none in the nine years before, so there never is one.
  std::optional<std::int64_t> latest(std::int64_t local) const;

  const std::string& text() const { return text_; }

 private:
  bool matches_day(std::int64_t day) const;  // since 1970-01-01
  int latest_minute(int at_most) const;      // of a day; -1: none

  std::string text_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;  // Sunday is 0
  bool any_day_ = true, any_weekday_ = true;
};

}  // namespace troupe
