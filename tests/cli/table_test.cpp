#include "cli/table.hpp"

#include "tests/support/catch.hpp"

using namespace troupe::cli;

namespace {

table example() {
  table t({{"ID"}, {"TASKS", align::right}, {"WHY", align::left, true}});
  t.add({"1", "400", "waits for a free slot: the pool \"here\" is at its maximum of 4"});
  t.add({"12.3", "7", ""});
  return t;
}

}  // namespace

TEST_CASE("columns are aligned and nothing is cut without a width") {
  CHECK(example().render(0, false) ==
        "ID    TASKS  WHY\n"
        "1       400  waits for a free slot: the pool \"here\" is at its maximum of 4\n"
        "12.3      7\n");
}

TEST_CASE("only the flexible column gives way to the width") {
  CHECK(example().render(40, false) ==
        "ID    TASKS  WHY\n"
        "1       400  waits for a free slot: the…\n"
        "12.3      7\n");
}

TEST_CASE("colours don't count as width") {
  table t({{"A"}, {"B"}});
  t.add({cell{"ok", style::green}, "x"});
  CHECK(t.render(0, true) == "\x1b[1mA\x1b[0m   \x1b[1mB\x1b[0m\n\x1b[32mok\x1b[0m  x\n");
}

TEST_CASE("a cell stays on its line") {
  table t({{"A"}});
  t.add({"one\ntwo"});
  CHECK(t.render(0, false) == "A\none two\n");
}
