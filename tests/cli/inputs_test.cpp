#include "cli/inputs.hpp"

#include "cli/json_value.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::cli;

namespace {

std::string shown(const result<std::vector<value>>& values) {
  if (!values) return "refused: " + values.error().message;
  std::string out;
  for (const auto& v : *values) out += compact(to_json(v)) + '\n';
  return out;
}

}  // namespace

TEST_CASE("lines end in LF or CRLF, and an empty end is no line") {
  CHECK(split_lines("a\nb\r\n\nc") == std::vector<std::string>{"a", "b", "", "c"});
  CHECK(split_lines("a\n").size() == 1);
  CHECK(split_lines("").empty());
}

TEST_CASE("each line of --each-line is the entry of one task") {
  CHECK(shown(entries_of_lines("x 1\ny\n")) == "{\"entry\":\"x 1\"}\n{\"entry\":\"y\"}\n");
}

TEST_CASE("each element of --from-json is the entry of one task, text as it is") {
  CHECK(shown(entries_of_json(R"(["a", {"k": [1, 2]}, 3])", "f")) ==
        "{\"entry\":\"a\"}\n{\"entry\":\"{\\\"k\\\":[1,2]}\"}\n{\"entry\":\"3\"}\n");
  CHECK(shown(entries_of_json("{}", "f.json")).find("refused: f.json: is a JSON object") == 0);
}

TEST_CASE("each line of --args is one call's argument list") {
  CHECK(shown(arguments_of_json_lines("[1, 2]\n\n\"a\"\n{\"x\": 1}\n", "f")) ==
        "[1,2]\n[\"a\"]\n[{\"x\":1}]\n");
}

TEST_CASE("a bad line is named by file and number") {
  CHECK(shown(arguments_of_json_lines("1\n[2\n", "f.jsonl")).find("refused: f.jsonl:2: not JSON") ==
        0);
  CHECK(shown(arguments_of_json_lines("{\"$bin\": 1}", "-")).find("refused: stdin:1:") == 0);
}

TEST_CASE("a file that isn't there is named") {
  auto r = read_input("/nonexistent/x");
  REQUIRE_FALSE(r);
  CHECK(r.error().message.find("can't open /nonexistent/x: No such file") == 0);
}
