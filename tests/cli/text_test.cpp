#include "cli/text.hpp"

#include "cli/progress.hpp"
#include "tests/support/catch.hpp"

using namespace troupe::cli;

TEST_CASE("seconds are written in the unit that people would use") {
  CHECK(human_seconds(0) == "0s");
  CHECK(human_seconds(0.0000004) == "1µs");
  CHECK(human_seconds(0.35) == "350ms");
  CHECK(human_seconds(0.9999) == "1.0s");
  CHECK(human_seconds(4.24) == "4.2s");
  CHECK(human_seconds(59.6) == "1m00s");
  CHECK(human_seconds(185) == "3m05s");
  CHECK(human_seconds(7800) == "2h10m");
  CHECK(human_seconds(86400 * 3 + 4 * 3600) == "3d04h");
  CHECK(human_seconds(-2) == "-2.0s");
}

TEST_CASE("bytes and counts are written for people") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(std::uint64_t{2} << 30) == "2.0 GiB");
  CHECK(human_bytes((std::uint64_t{1} << 20) - 1) == "1.0 MiB");
  CHECK(human_count(0) == "0");
  CHECK(human_count(999) == "999");
  CHECK(human_count(1000000) == "1,000,000");
  CHECK(plural(1, "task") == "1 task");
  CHECK(plural(2000, "task") == "2,000 tasks");
}

TEST_CASE("the nearest word is offered only when it is near") {
  std::vector<std::string> words{"submit", "status", "scale", "jobs"};
  CHECK(did_you_mean("scael", words) == " (did you mean \"scale\"?)");
  CHECK(did_you_mean("frobnicate", words).empty());
}

TEST_CASE("a cell can't send control sequences to a terminal") {
  CHECK(one_line("a\nb\t\x1b[31mc\x7f") == "a b [31mc");
  CHECK(one_line("caf\xc3\xa9 \xff\xc3") == "caf\xc3\xa9 ??");
  CHECK(one_line("\xc2\x9b") == "");
}

TEST_CASE("texts are cut by characters, never inside one") {
  CHECK(shorten("äöü", 3) == "äöü");
  CHECK(shorten("äöüß", 3) == "äö…");
  CHECK(shorten("abc", 1) == "…");
  CHECK(shorten("abc", 0).empty());
}

TEST_CASE("the progress line fits in the width it is given") {
  progress_state p{400, 123, 2, 3.0};
  auto line = progress_line(p, 80);
  CHECK(line.find("123/400") != std::string::npos);
  CHECK(line.find("2 failed") != std::string::npos);
  CHECK(line.find("41/s") != std::string::npos);
  CHECK(line.find("left") != std::string::npos);
  for (std::size_t width = 0; width < 100; ++width)
    CHECK(display_width(progress_line(p, width)) <= width);
  CHECK(progress_line({10, 10, 0, 1.0}, 80).find('>') == std::string::npos);
}
