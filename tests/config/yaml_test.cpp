#include "config/yaml.hpp"

#include "tests/support/catch.hpp"

namespace troupe {
namespace {

using shape = option_value::shape;

option_value read(const std::string& text, const config::yaml_limits& limits = {}) {
  option_report report;
  auto tree = config::read_yaml(text, "f", report, limits);
  for (const auto& p : report.problems()) UNSCOPED_INFO(to_string(p));
  REQUIRE(tree);
  REQUIRE(report.ok());
  return *tree;
}

std::string refusal(const std::string& text, const config::yaml_limits& limits = {}) {
  option_report report;
  CHECK_FALSE(config::read_yaml(text, "f", report, limits));
  REQUIRE(report.problems().size() == 1);
  return to_string(report.problems().front());
}

TEST_CASE("an empty file, one of comments and one of null are nothing") {
  for (auto text : {"", "\n\n", "# only a comment\n", "---\n", "~\n", "null\n"}) {
    INFO(text);
    CHECK(read(text).is == shape::nothing);
  }
}

TEST_CASE("keys and values know where they stand") {
  auto tree = read("a:\n  - b: 1\n    c: [x, 'y']\n");
  const auto& item = tree.find("a")->children.at(0);
  CHECK(to_string(item.find("b")->key_at) == "f:2:5");
  CHECK(to_string(item.find("b")->at) == "f:2:8");
  const auto& list = *item.find("c");
  CHECK(to_string(list.children.at(1).at) == "f:3:12");
  CHECK(list.children.at(1).quoted);
  CHECK_FALSE(list.children.at(0).quoted);
}

TEST_CASE("a byte order mark and Windows line ends change nothing") {
  auto tree = read(
      "\xef\xbb\xbf"
      "a: \"1\"\r\nb: 2\r\n");
  CHECK(tree.find("a")->text == "1");
  CHECK(tree.find("b")->text == "2");
}

TEST_CASE("an alias is a copy of what it stands for") {
  auto tree = read("a: &x {k: [1, 2]}\nb: *x\n");
  CHECK(tree.find("b")->find("k")->children.size() == 2);
  CHECK(to_string(tree.find("b")->find("k")->at) == "f:1:11");
}

TEST_CASE("a merge key gives what the map itself and earlier maps don't say") {
  auto tree = read(
      "x: &x {a: 1, b: 1, c: 1}\n"
      "y: &y {b: 2, d: 2}\n"
      "z: {c: 3, <<: [*x, *y]}\n"
      "w: {<<: *y, d: 4}\n");
  const auto& z = *tree.find("z");
  CHECK(z.children.size() == 4);
  CHECK(z.find("a")->text == "1");
  CHECK(z.find("b")->text == "1");
  CHECK(z.find("c")->text == "3");
  CHECK(z.find("d")->text == "2");
  CHECK(tree.find("w")->find("d")->text == "4");
}

TEST_CASE("depth and number of values are bounded, also through aliases") {
  CHECK(read(std::string(64, '[') + std::string(64, ']')).is == shape::list);
  CHECK(refusal(std::string(65, '[') + std::string(65, ']')) ==
        "f:1:65: nested more than 64 levels deep");
  CHECK(refusal(std::string(500'000, '[')).ends_with("nested more than 64 levels deep"));
  config::yaml_limits few;
  few.values = 10;
  CHECK(read("[1, 2, 3, 4, 5, 6, 7, 8, 9]", few).children.size() == 9);
  CHECK(refusal("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", few) ==
        "f:1:29: more than 10 values, counting each alias as what it stands for");
  CHECK(refusal("[&a [1, 2], *a, *a]", few) ==
        "f:1:17: more than 10 values, counting each alias as what it stands for");
}

TEST_CASE("quotes must be closed, however they are escaped inside") {
  CHECK(read("a: \"x\\\"y\"").find("a")->text == "x\"y");
  CHECK(read("a: 'it''s'").find("a")->text == "it's");
  CHECK(refusal("a: \"x\\\"\n") == "f:1:4: a quote is opened here and never closed");
  CHECK(refusal("a: \"x") == "f:1:6: not valid YAML: a quote is opened and never closed");
  CHECK(refusal("b: 1\na: 'it''s\n") == "f:2:4: a quote is opened here and never closed");
}

TEST_CASE("no bytes make it throw or hang") {
  std::uint32_t state = 1;
  auto next = [&] { return state = state * 1664525u + 1013904223u; };
  constexpr std::string_view alphabet = "ab1:-? \t\n[]{},&*!|>'\"%@`#<~\\\x01\xc3\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto length = next() % 40; length > 0; --length) {
      text += alphabet[(next() >> 16) % alphabet.size()];
    }
    option_report report;
    auto tree = config::read_yaml(text, "f", report);
    INFO(quote(text));
    if (!tree && report.ok()) FAIL("refused without a reason");
  }
}

}  // namespace
}  // namespace troupe
