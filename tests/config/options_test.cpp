// The option machinery on a struct of its own: what a table promises, whatever the settings.
#include "libruntime/options.hpp"

#include "config/yaml.hpp"
#include "tests/support/catch.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

enum class colour { red, green };
std::string_view to_string(colour c) {
  return c == colour::red ? "red" : "green";
}

struct leg {
  int length = 1;
};
struct wheel {
  double radius = 0.5;
};
struct base {
  bool old = false;
};
struct thing : base {
  std::string name;
  std::uint16_t count = 3;
  std::optional<duration> pause = 5s;
  colour paint = colour::green;
  byte_count size = 10;
  std::string password;
  leg one;
  std::vector<leg> legs;
  std::variant<leg, wheel> moves;
};

}  // namespace

template <>
struct option_words<colour> {
  static constexpr std::array words{option_word{colour::red, "like a rose"},
                                    option_word{colour::green, "like grass"}};
};

namespace {

const option_table<thing>& things() {
  static const option_table<leg> legs{option("length", &leg::length).at_most(9)};
  static const option_table<wheel> wheels{option("radius", &wheel::radius).at_least(0.1)};
  static const option_table<base> bases{option("old", &base::old)};
  static const option_table<thing> table =
      option_table<thing>{
          option("name", &thing::name).required(),
          option("count", &thing::count).at_least(1),
          option("pause", &thing::pause).at_most(1min).absent("never"),
          option("paint", &thing::paint),
          option("size", &thing::size),
          option("password", &thing::password)
              .secret()
              .form({"digits", "^[0-9]*$",
                     [](std::string_view t) {
                       return t.find_first_not_of("0123456789") == std::string_view::npos;
                     }}),
          section("one", &thing::one, legs),
          sections("legs", &thing::legs, legs).each_from(+[](const thing& t) {
            return leg{t.count};
          }),
          section_by_type("moves", &thing::moves, variant_case<leg>{"leg", legs, "walks"},
                          variant_case<wheel>{"wheel", wheels, "rolls"})}
          .after(bases);
  return table;
}

thing read(const std::string& yaml, option_report& report) {
  thing t;
  auto tree = config::read_yaml(yaml, "t", report);
  REQUIRE(tree);
  things().read(*tree, t, report);
  return t;
}

thing read(const std::string& yaml) {
  option_report report;
  auto t = read(yaml, report);
  for (const auto& p : report.problems()) UNSCOPED_INFO(to_string(p));
  CHECK(report.ok());
  return t;
}

std::string refusal(const std::string& yaml) {
  option_report report;
  read(yaml, report);
  REQUIRE(report.problems().size() == 1);
  return to_string(report.problems().front());
}

TEST_CASE("what a file doesn't say keeps the default of its member") {
  auto t = read("name: x");
  CHECK(t.name == "x");
  CHECK(t.count == 3);
  CHECK(t.pause == 5s);
  CHECK(t.paint == colour::green);
  CHECK(t.legs.empty());
  CHECK(std::get<leg>(t.moves).length == 1);
}

TEST_CASE("every kind of option reaches its member, also those of a base class") {
  auto t = read(
      "{name: x, old: true, count: 7, pause: 1s, paint: red, size: 2KiB, one: {length: -2}, "
      "moves: {type: wheel, radius: 2.5}}");
  CHECK(t.old);
  CHECK(t.count == 7);
  CHECK(t.pause == 1s);
  CHECK(t.paint == colour::red);
  CHECK(t.size == 2048);
  CHECK(t.one.length == -2);
  CHECK(std::get<wheel>(t.moves).radius == 2.5);
}

TEST_CASE("an optional value is taken away by its word or by nothing") {
  CHECK_FALSE(read("{name: x, pause: never}").pause);
  CHECK_FALSE(read("{name: x, pause: }").pause);
}

TEST_CASE("items of a list begin with what was read before them") {
  auto t = read("{name: x, count: 5, legs: [{}, {length: 8}]}");
  REQUIRE(t.legs.size() == 2);
  CHECK(t.legs[0].length == 5);
  CHECK(t.legs[1].length == 8);
}

TEST_CASE("a refused value leaves its member alone and the others are read") {
  option_report report;
  auto t = read("{name: x, count: 0, pause: 2m, paint: blue, size: 4}", report);
  CHECK(report.problems().size() == 3);
  CHECK(t.count == 3);
  CHECK(t.pause == 5s);
  CHECK(t.paint == colour::green);
  CHECK(t.size == 4);
}

TEST_CASE("a secret is never part of a message or of what is known of it") {
  auto text = refusal("{name: x, password: hunter2}");
  CHECK(text == "t:1:21: password: the value is not allowed; expected digits");
}

TEST_CASE("the place of every given value is known") {
  option_report report;
  read("name: x\nlegs:\n  - length: 4\n", report);
  REQUIRE(report.origin_of("legs[0].length"));
  CHECK(to_string(*report.origin_of("legs[0].length")) == "t:3:13");
  CHECK_FALSE(report.origin_of("count"));
}

TEST_CASE("a check between options stands at the value, or at the nearest section that was given") {
  option_report report{{option_origin::source::file, "t", 0, 0}};
  read("name: x\none: {length: 4}\n", report);
  report.conflict("one.length", "a");
  report.conflict("one.width", "b");
  report.conflict("count", "c");
  auto problems = report.problems();
  REQUIRE(problems.size() == 3);
  CHECK(to_string(problems[0]) == "t: count: c");
  CHECK(to_string(problems[1]) == "t:2:6: one.width: b");
  CHECK(to_string(problems[2]) == "t:2:15: one.length: a");
}

TEST_CASE("a check between options is silent about values that were refused") {
  option_report report;
  read("{name: x, count: many}", report);
  REQUIRE(report.problems().size() == 1);
  report.conflict("pause", "too long for count", {"count"});
  CHECK(report.problems().size() == 1);
}

TEST_CASE("writing and reading gives the same settings") {
  auto t = read("{name: x, pause: never, paint: red, legs: [{length: 2}], moves: {type: wheel}}");
  option_report report;
  thing again;
  things().read(things().write(t), again, report);
  CHECK(report.ok());
  CHECK_FALSE(again.pause);
  CHECK(again.paint == colour::red);
  CHECK(again.legs.size() == 1);
  CHECK(std::holds_alternative<wheel>(again.moves));
}

TEST_CASE("the nearest name is one that a slip of the finger explains") {
  std::vector<std::string> names{"min", "max", "idle_timeout", "interval"};
  CHECK(nearest("mx", names) == "max");
  CHECK(nearest("MAX", names) == "max");
  CHECK(nearest("idle-timeout", names) == "idle_timeout");
  CHECK(nearest("idel_timeout", names) == "idle_timeout");
  CHECK(nearest("intervall", names) == "interval");
  CHECK(nearest("workers", names).empty());
  CHECK(nearest("", names).empty());
  CHECK(nearest(std::string(10'000, 'x'), names).empty());
}

TEST_CASE("quoted text can be printed on any terminal") {
  CHECK(quote("a\tb\nc\x1b[0m") == "\"a\\tb\\nc\\x1b[0m\"");
  CHECK(quote(std::string(100, 'x')) == "\"" + std::string(60, 'x') + "…\"");
  // Not cut inside of a character.
  CHECK(quote(std::string(59, 'x') + "äää") == "\"" + std::string(59, 'x') + "…\"");
}

}  // namespace
}  // namespace troupe
