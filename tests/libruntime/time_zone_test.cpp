// Offsets from UTC, from names and from zone files made here byte by byte.
#include "libruntime/time_zone.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/zone_files.hpp"

namespace troupe {
namespace {

using testing::berlin;
using testing::zone_bytes;

constexpr std::int64_t hour = 3600;
constexpr std::int64_t spring_2025 = 1743296400;  // 2025-03-30 01:00 UTC
constexpr std::int64_t autumn_2025 = 1761440400;  // 2025-10-26 01:00 UTC

TEST_CASE("UTC and fixed offsets need no file") {
  CHECK(time_zone{}.offset_at(0) == 0);
  CHECK(time_zone::fixed("UTC")->offset_at(0) == 0);
  CHECK(time_zone::fixed("+02:00")->offset_at(0) == 7200);
  CHECK(time_zone::fixed("-0530")->offset_at(0) == -19800);
  for (auto other : {"", "utc", "Europe/Berlin", "+2", "+15:00", "+01:60", "01:00", "+1a:00"})
    CHECK_FALSE(time_zone::fixed(other));
}

TEST_CASE("transitions change the offset at their moment") {
  const auto z = berlin();
  CHECK(z.offset_at(0) == 3600);
  CHECK(z.offset_at(1585443599) == 3600);
  CHECK(z.offset_at(1585443600) == 7200);
  CHECK(z.offset_at(1603587599) == 7200);
}

TEST_CASE("after the last transition the rule of the file's last line holds, for every year") {
  const auto z = berlin();
  CHECK(z.offset_at(spring_2025 - 1) == 3600);
  CHECK(z.offset_at(spring_2025) == 7200);
  CHECK(z.offset_at(autumn_2025 - 1) == 7200);
  CHECK(z.offset_at(autumn_2025) == 3600);
}

TEST_CASE("south of the equator summer goes over the new year") {
  auto z = time_zone::of_file("x", zone_bytes({36000}, {}, "AEST-10AEDT,M10.1.0,M4.1.0/3"));
  REQUIRE(z);
  CHECK(z->offset_at(1735689600) == 39600);  // 2025-01-01
  CHECK(z->offset_at(1751328000) == 36000);  // 2025-07-01
}

TEST_CASE("zones without summer time, and names in angle brackets") {
  auto z = time_zone::of_file("x", zone_bytes({0}, {{0, 0}}, "<+0545>-5:45"));
  REQUIRE(z);
  CHECK(z->offset_at(1) == 20700);
}

TEST_CASE("a rule that is not understood leaves the last transition in force") {
  auto z = time_zone::of_file("x", zone_bytes({0, 3600}, {{100, 1}}, "AAA0BBB,J60,J300"));
  REQUIRE(z);
  CHECK(z->offset_at(1761440400) == 3600);
}

TEST_CASE("local times become the moment the clock shows them") {
  const auto z = berlin();
  const auto noon = spring_2025 + 11 * hour;
  CHECK(z.to_unix(z.to_local(noon)) == noon);
  // 02:30 does not exist in spring: what was skipped is added.
  CHECK(z.to_local(z.to_unix(spring_2025 + hour + 30 * 60)) == spring_2025 + 2 * hour + 30 * 60);
  // 02:30 comes twice in autumn: the first is meant.
  CHECK(z.to_unix(autumn_2025 + hour + 30 * 60) == autumn_2025 - 30 * 60);
}

TEST_CASE("every hour of a year goes to local time and back, but for those that come twice") {
  const auto z = berlin();
  for (auto t = spring_2025 - 90 * 24 * hour; t < spring_2025 + 275 * 24 * hour; t += hour) {
    const bool repeated = t >= autumn_2025 && t < autumn_2025 + hour;
    INFO(t);
    CHECK(z.to_unix(z.to_local(t)) == (repeated ? t - hour : t));
  }
}

TEST_CASE("what is no zone file is refused, however it is cut") {
  const auto whole = zone_bytes({3600, 7200}, {{1, 1}, {2, 0}}, "CET-1CEST,M3.5.0,M10.5.0/3");
  CHECK_FALSE(time_zone::of_file("x", "no zone"));
  const auto rule = whole.find("\nCET");
  for (std::size_t n = 0; n < rule; ++n) CHECK_FALSE(time_zone::of_file("x", whole.substr(0, n)));
  for (std::size_t n = rule; n < whole.size(); ++n)
    CHECK(time_zone::of_file("x", whole.substr(0, n)));
  for (std::size_t i = 0; i < whole.size(); ++i) {  // whatever a byte says, nothing is read beyond
    auto odd = whole;
    odd[i] = static_cast<char>(0xff);
    if (auto z = time_zone::of_file("x", odd)) (void)z->offset_at(1761440400);
  }
}

}  // namespace
}  // namespace troupe
