#include "cli/ranges.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::cli;

TEST_CASE("an array is a first and a last index, both of it") {
  auto r = parse_array("1-80");
  REQUIRE(r);
  CHECK(*r == array_range{1, 80});
  CHECK(r->count() == 80);
  CHECK(parse_array("0-0")->count() == 1);
  CHECK(*parse_array("7") == array_range{7, 7});
  CHECK(parse_array("1-4294967295")->count() == 4294967295u);
}

TEST_CASE("what is not an array is refused with the text that was given") {
  for (const char* text : {"", "-", "1-", "-5", "a-b", "1-2-3", "1 - 2", "1,2", "4294967296", "+1-2"}) {
    auto r = parse_array(text);
    INFO(text);
    REQUIRE_FALSE(r);
    CHECK(r.error().message.find("\"" + std::string{text} + "\"") == 0);
  }
  CHECK(parse_array("9-3").error().message.find("ends before it begins") != std::string::npos);
  CHECK(parse_array("0-4294967295").error().message.find("one task too many") != std::string::npos);
}
