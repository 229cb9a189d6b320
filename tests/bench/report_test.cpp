#include "bench/report.hpp"

#include "tests/support/catch.hpp"

using namespace troupe::bench;

TEST_CASE("a metric is judged by its median") {
  report r;
  for (double x : {9.0, 1.0, 5.0}) r.add("a.b", x);
  CHECK(r.median_of("a.b") == 5.0);
  r.add("a.b", 7.0);
  CHECK(r.median_of("a.b") == 6.0);
  CHECK(r.metrics()[0].least() == 1.0);
  CHECK(r.metrics()[0].most() == 9.0);
  CHECK_FALSE(r.median_of("never measured"));
}

TEST_CASE("every budget of a metric must hold, and a report holds if all of them do") {
  report r;
  r.add("fast", 100);
  r.add("small", 3);
  r.limit("fast", {budget::side::at_least, 50, "50"});
  r.limit("small", {budget::side::at_most, 3, "3"});
  CHECK(r.holds());
  r.limit("fast", {budget::side::at_least, 101, "101"});
  CHECK_FALSE(r.metrics()[0].holds());
  CHECK(r.metrics()[1].holds());
  CHECK_FALSE(r.holds());
}

TEST_CASE("a budget of what was not measured is ignored") {
  report r;
  r.limit("a.b", {budget::side::at_least, 1, "1"});
  CHECK(r.metrics().empty());
  CHECK(r.holds());
}
