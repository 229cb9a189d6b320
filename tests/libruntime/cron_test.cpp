// Schedules of five fields.
#include "libruntime/cron.hpp"

#include <chrono>

#include "tests/support/catch.hpp"

namespace troupe {
namespace {

std::int64_t at(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
  using namespace std::chrono;
  const sys_days date = std::chrono::year{year} / month / day;
  return date.time_since_epoch().count() * 86400 + hour * 3600 + minute * 60;
}

std::int64_t latest(std::string_view text, std::int64_t now) {
  auto e = cron_expression::parse(text);
  INFO(text);
  if (!e) FAIL(e.error());
  return e->latest(now).value();
}

std::string refusal(std::string_view text) {
  auto e = cron_expression::parse(text);
  INFO(text);
  REQUIRE_FALSE(e);
  return e.error();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("the latest match is at or before the moment, to the minute") {
  const auto monday = at(2025, 6, 2);
  CHECK(latest("0 8 * * 1-5", monday + 8 * 3600) == monday + 8 * 3600);
  CHECK(latest("0 8 * * 1-5", monday + 8 * 3600 + 59) == monday + 8 * 3600);
  CHECK(latest("0 8 * * 1-5", monday + 8 * 3600 - 1) == at(2025, 5, 30, 8));  // Friday
  CHECK(latest("* * * * *", monday + 61) == monday + 60);
}

TEST_CASE("steps, ranges, lists and names") {
  const auto now = at(2025, 6, 4, 17, 50);  // a Wednesday
  CHECK(latest("*/15 * * * *", now) == at(2025, 6, 4, 17, 45));
  CHECK(latest("5/20 * * * *", now) == at(2025, 6, 4, 17, 45));
  CHECK(latest("10,20 8-18/5 * * *", now) == at(2025, 6, 4, 13, 20));
  CHECK(latest("0 0 * * MON", now) == at(2025, 6, 2));
  CHECK(latest("0 0 * * fri-sat", now) == at(2025, 5, 31));
  CHECK(latest("0 0 1 mar *", now) == at(2025, 3, 1));
  CHECK(latest("  0\t0 * *   0 ", now) == at(2025, 6, 1));
}

TEST_CASE("0 and 7 are both Sunday") {
  const auto now = at(2025, 6, 4);
  CHECK(latest("0 0 * * 0", now) == at(2025, 6, 1));
  CHECK(latest("0 0 * * 7", now) == at(2025, 6, 1));
  CHECK(latest("0 0 * * 6-7", now) == at(2025, 6, 1));
}

TEST_CASE("a day matches by either day field where both are restricted, else by both") {
  const auto now = at(2025, 6, 14);                     // a Saturday
  CHECK(latest("0 0 13 * 5", now) == at(2025, 6, 13));  // the 13th, which is a Friday
  CHECK(latest("0 0 10 * 1", now) == at(2025, 6, 10));  // the 10th, a Tuesday
  CHECK(latest("0 0 1 * 3", now) == at(2025, 6, 11));   // a Wednesday
  CHECK(latest("0 0 */2 * 1", now) == at(2025, 6, 9));  // * with a step restricts nothing
}

TEST_CASE("February 29th is found over eight years without one") {
  CHECK(latest("0 0 29 2 *", at(2025, 6, 1)) == at(2024, 2, 29));
  CHECK(latest("0 0 29 2 *", at(2104, 2, 28)) == at(2096, 2, 29));
}

TEST_CASE("times before 1970 are times") {
  CHECK(latest("30 23 * * *", at(1969, 12, 31, 23, 29)) == at(1969, 12, 30, 23, 30));
}

TEST_CASE("what is wrong is named with its field and what may stand there") {
  CHECK(has(refusal("0 8 * *"), "4 fields; expected 5"));
  CHECK(has(refusal(""), "0 fields"));
  CHECK(has(refusal("60 * * * *"), "minute \"60\"; expected 0 to 59"));
  CHECK(has(refusal("0 24 * * *"), "hour \"24\""));
  CHECK(has(refusal("0 0 0 * *"), "day of the month \"0\"; expected 1 to 31"));
  CHECK(has(refusal("0 0 * foo *"), "or a name such as feb"));
  CHECK(has(refusal("0 0 * * 8"), "day of the week"));
  for (auto wrong : {"5-1 * * * *", "*/0 * * * *", ", * * * *", "1, * * * *", "1- * * * *",
                     "-1 * * * *", "1.5 * * * *", "+1 * * * *", "* * * * mond", "@daily"})
    refusal(wrong);
  CHECK(has(refusal("0 0 30 2 *"), "no day of any year"));
}

TEST_CASE("what is found is what a search minute by minute finds") {
  for (auto text : {"7 */5 * * *", "0 0,12 1-7 * 1", "*/13 3-5 * */2 *", "30 23 31 * *"}) {
    auto e = cron_expression::parse(text);
    REQUIRE(e);
    for (auto start : {at(2024, 2, 29, 12, 1), at(2025, 1, 1), at(2023, 12, 31, 23, 59)}) {
      const auto found = e->latest(start).value();
      INFO(text << " at " << start);
      CHECK(found <= start);
      CHECK(e->latest(found) == found);
      // Nothing lies between: from any minute there the same is found.
      for (auto t = found; t <= start && t < found + 86400; t += 60) CHECK(e->latest(t) == found);
    }
  }
}

}  // namespace
}  // namespace troupe
