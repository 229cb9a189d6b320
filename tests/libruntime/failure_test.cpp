#include "libruntime/failure.hpp"

#include <set>

#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("every code has a name of its own, and the name gives the code back") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(errc::internal); ++i) {
    auto code = static_cast<errc>(i);
    CHECK(!to_string(code).empty());
    CHECK(names.insert(to_string(code)).second);
    CHECK(errc_from_string(to_string(code)) == code);
  }
  CHECK(to_string(static_cast<errc>(200)) == "internal");
  CHECK(errc_from_string("no such code") == errc::internal);
}

TEST_CASE("a failure is told with code, type and words") {
  CHECK(to_string(failure{errc::not_found, "no pool \"x\"", ""}) == "not_found: no pool \"x\"");
  CHECK(to_string(failure{errc::task_error, "no", "E"}) == "task_error (E): no");
  CHECK(to_string(failure{errc::cancelled, "", ""}) == "cancelled");
}

TEST_CASE("what may be tried again says when or where") {
  CHECK(retry_class_of(errc::overloaded) == retry_class::later);
  CHECK(retry_class_of(errc::unavailable) == retry_class::later);
  CHECK(retry_class_of(errc::worker_lost) == retry_class::elsewhere);
  CHECK(retry_class_of(errc::infeasible) == retry_class::never);
}

TEST_CASE("fail makes any result fail") {
  auto f = []() -> result<int> { return fail(errc::io, "disk full", "E"); };
  REQUIRE(!f().has_value());
  CHECK(f().error() == failure{errc::io, "disk full", "E"});
}
