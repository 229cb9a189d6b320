// Minimums by the clock.
#include "autoscaler/schedule.hpp"

#include "tests/autoscaler/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/zone_files.hpp"

namespace troupe::autoscaler::test {

namespace {

constexpr std::int64_t monday = 1748822400;  // 2025-06-02 00:00 UTC
constexpr std::int64_t hour = 3600;

scheduled_min_settings entry(const std::string& cron, std::uint32_t min,
                             std::optional<duration> lasts = {}, const std::string& zone = "UTC") {
  return {cron, min, lasts, zone};
}

std::optional<std::uint32_t> at(const std::vector<scheduled_min_settings>& entries,
                                std::int64_t when) {
  return minimum_at(schedule_of(entries, {}), when);
}

}  // namespace

TEST_CASE("an entry with a length holds from its moment for so long") {
  const std::vector schedule{entry("0 8 * * 1-5", 10, 10h)};
  CHECK_FALSE(at(schedule, monday + 8 * hour - 1));
  CHECK(at(schedule, monday + 8 * hour) == 10u);
  CHECK(at(schedule, monday + 18 * hour - 1) == 10u);
  CHECK_FALSE(at(schedule, monday + 18 * hour));
  CHECK_FALSE(at(schedule, monday + 5 * 24 * hour + 9 * hour));  // Saturday
}

TEST_CASE("an entry without a length holds until another begins") {
  const std::vector schedule{entry("0 8 * * 1-5", 10), entry("0 18 * * *", 1)};
  CHECK(at(schedule, monday + 8 * hour) == 10u);
  CHECK(at(schedule, monday + 18 * hour) == 1u);
  CHECK(at(schedule, monday + 6 * 24 * hour + 9 * hour) == 1u);  // Sunday
}

TEST_CASE("a single entry without a length holds from its first moment on") {
  CHECK(at({entry("0 8 * * 1-5", 10)}, monday + 3 * hour) == 10u);
}

TEST_CASE("of entries that hold at once the largest counts") {
  const std::vector schedule{entry("0 8 * * *", 2, 12h), entry("0 10 * * *", 9, 1h),
                             entry("0 10 * * *", 4)};
  CHECK(at(schedule, monday + 10 * hour) == 9u);
  CHECK(at(schedule, monday + 11 * hour) == 4u);
}

TEST_CASE("zones mean their own clock") {
  CHECK_FALSE(at({entry("0 8 * * *", 10, 1h, "+02:00")}, monday + 8 * hour));
  CHECK(at({entry("0 8 * * *", 10, 1h, "+02:00")}, monday + 6 * hour) == 10u);
  CHECK_FALSE(at({entry("0 8 * * *", 10, 1h, "Nowhere/Known")}, monday + 8 * hour));
}

TEST_CASE("an entry holds through the hour that the clock shows twice") {
  constexpr std::int64_t autumn = 1761440400;  // 2025-10-26 01:00 UTC: 03:00 becomes 02:00
  const time_zones zones{{"Europe/Berlin", testing::berlin()}};
  auto held = [&](const std::vector<scheduled_min_settings>& entries, std::int64_t when) {
    return minimum_at(schedule_of(entries, zones), when);
  };
  const std::vector two_hours{entry("30 2 * * *", 7, 2h, "Europe/Berlin")};
  CHECK_FALSE(held(two_hours, autumn - 1801));
  for (auto minutes : {-30, -1, 0, 10, 29, 30, 59, 89})
    CHECK(held(two_hours, autumn + minutes * 60) == 7u);
  CHECK_FALSE(held(two_hours, autumn + 90 * 60));
  const std::vector open{entry("0 1 * * *", 1, {}, "Europe/Berlin"),
                         entry("30 2 * * *", 7, {}, "Europe/Berlin")};
  for (auto minutes : {-30, 0, 10, 40}) CHECK(held(open, autumn + minutes * 60) == 7u);
}

TEST_CASE("what begins in the hour that the clock skips begins an hour later by it, in turn") {
  constexpr std::int64_t spring = 1743296400;  // 2025-03-30 01:00 UTC: 02:00 becomes 03:00
  const time_zones zones{{"Europe/Berlin", testing::berlin()}};
  const auto schedule =
      schedule_of({entry("*/15 2 * * *", 7, 10min, "Europe/Berlin")}, zones);
  CHECK_FALSE(minimum_at(schedule, spring - 1));
  for (auto minutes : {0, 9, 15, 24, 45, 54}) CHECK(minimum_at(schedule, spring + minutes * 60) == 7u);
  for (auto minutes : {10, 14, 25, 55, 60}) CHECK_FALSE(minimum_at(schedule, spring + minutes * 60));
}

TEST_CASE("a pool that only hands scale does not follow the clock") {
  world w;
  auto& pool = w.pool("here", 0, 10);
  pool.schedule = schedule_of({entry("0 8 * * *", 5, 1h)}, {});
  pool.scaling.enabled = false;
  w.around.unix_seconds = monday + 8 * hour;
  CHECK_FALSE(w.decide("here").acts());
}

TEST_CASE("a pool has its scheduled minimum within its maximum, and says why") {
  world w;
  auto& pool = w.pool("here", 1, 6);
  pool.schedule = schedule_of({entry("0 8 * * *", 10, 1h)}, {});
  w.worker("here", 1h);
  w.around.unix_seconds = monday + 7 * hour;
  CHECK_FALSE(w.decide("here").acts());
  w.around.unix_seconds = monday + 8 * hour;
  auto d = w.decide("here");
  CHECK(d.launch == 5);
  CHECK(d.cause == cause::scheduled);
  CHECK(d.scheduled_min == 10u);
  CHECK(d.min == 1);
}

TEST_CASE("when a scheduled minimum ends, idle workers go by the idle timeout, as ever") {
  world w;
  auto& pool = w.pool("here", 0, 10);
  pool.schedule = schedule_of({entry("0 8 * * *", 3, 1h)}, {});
  pool.scaling.scale_down.idle_timeout = 30s;
  w.around.unix_seconds = monday + 9 * hour - 1;
  for (int i = 0; i < 2; ++i) w.worker("here", 1h);
  w.worker("here", 5s);
  CHECK_FALSE(w.decide("here").acts());
  w.around.unix_seconds = monday + 9 * hour;
  CHECK(w.decide("here").drain.size() == 2);
}

TEST_CASE("a minimum set by hand wins over the schedule, and without a clock there is none") {
  world w;
  auto& pool = w.pool("here", 0, 10);
  pool.schedule = schedule_of({entry("* * * * *", 5)}, {});
  CHECK_FALSE(w.decide("here").acts());
  w.around.unix_seconds = monday;
  pool.control.min = 1;
  CHECK(w.decide("here").launch == 1);
}

TEST_CASE("a scheduled minimum is met at once, whatever the rates and windows say") {
  world w;
  auto& pool = w.pool("here", 0, 10);
  pool.schedule = schedule_of({entry("* * * * *", 5)}, {});
  pool.scaling.scale_up.max_step = 1;
  pool.scaling.scale_up.stabilization = 5min;
  w.around.unix_seconds = monday;
  CHECK(w.decide("here").launch == 5);
}

}  // namespace troupe::autoscaler::test
