#include "cli/json_value.hpp"

#include <cmath>
#include <map>

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::cli;

namespace {

value packed(const std::string& raw) {
  return value::copy_of({reinterpret_cast<const std::byte*>(raw.data()), raw.size()});
}

std::string round_trip(const std::string& text) {
  auto v = to_value(parse_json(text).value());
  return v ? compact(to_json(*v)) : "refused: " + v.error().message;
}

}  // namespace

TEST_CASE("JSON comes back from a value as it went in, keys in their order") {
  for (const char* text :
       {"null", "true", "0", "-1", "18446744073709551615", "-9223372036854775808", "1.5", "\"é\"",
        "[]", "{}", "[1,[2,{\"b\":1,\"a\":null}]]", R"({"$bin":"AAH/"})", R"({"$bin":""})",
        R"({"$ext":[-1,"AAAA"]})", R"({"$other":1})", R"({"$bin":"AAH/","x":1})"})
    CHECK(round_trip(text) == text);
}

TEST_CASE("what JSON can't say is shown nevertheless") {
  CHECK(compact(to_json(value::of(std::map<int, int>{{1, 2}}))) == R"({"1":2})");
  CHECK(compact(to_json(value::of(std::nan("")))) == "null");
  CHECK(compact(to_json(packed("\xa2\xff\xfe"))) == R"({"$bin":"//4="})");
  CHECK(compact(to_json(value{})) == "null");
}

TEST_CASE("malformed binary objects are refused") {
  CHECK(round_trip(R"({"$bin":1})").find("refused: \"$bin\"") == 0);
  CHECK(round_trip(R"({"$bin":"a"})").find("refused: malformed base64") == 0);
  CHECK(round_trip(R"({"$bin":"a==="})").find("refused: malformed base64") == 0);
  CHECK(round_trip(R"({"$ext":[300,""]})").find("refused: \"$ext\"") == 0);
}

TEST_CASE("deep nesting is refused on the way in and cut on the way out") {
  std::string deep(5000, '[');
  deep += std::string(5000, ']');
  CHECK(round_trip(deep).find("refused: nested deeper") == 0);
  CHECK_NOTHROW(to_json(packed(std::string(120, '\x91') + '\xc0')));
}

TEST_CASE("a JSON error says where it is") {
  auto r = parse_json("[1, x]");
  REQUIRE_FALSE(r);
  CHECK(r.error().message.find("not JSON, at line 1, column 5") == 0);
}

TEST_CASE("an array is an argument list, anything else its only element") {
  CHECK(compact(to_json(to_arguments(parse_json("[1,2]").value()).value())) == "[1,2]");
  CHECK(compact(to_json(to_arguments(parse_json("{\"a\":1}").value()).value())) == "[{\"a\":1}]");
}
