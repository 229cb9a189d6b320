// The launch ledger on disk.
#include "providers/launch_ledger.hpp"

#include <fstream>
#include <iterator>
#include <signal.h>
#include <sys/resource.h>

#include "tests/providers/provider_rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::providers::test {

namespace {
using ids = std::vector<request_id>;

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void append(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary | std::ios::app) << text;
}
}  // namespace

TEST_CASE("what was launched and has not ended is found again") {
  temporary_folder f;
  const auto file = f.path / "here.ledger";
  {
    auto l = launch_ledger::open(file).value();
    CHECK(l.open_launches().empty());
    CHECK(l.launched(ids{"a", "b", "c"}));
    CHECK(l.ended(ids{"b"}));
  }
  CHECK(launch_ledger::open(file).value().open_launches() == ids{"a", "c"});
  const auto mode = std::filesystem::status(file).permissions();
  CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a torn last line is ignored and does not spoil the next") {
  temporary_folder f;
  const auto file = f.path / "here.ledger";
  { CHECK(launch_ledger::open(file).value().launched(ids{"a"})); }
  append(file, "+ tor");
  { CHECK(launch_ledger::open(file).value().launched(ids{"b"})); }
  CHECK(launch_ledger::open(file).value().open_launches() == ids{"a", "b"});
}

TEST_CASE("a torn header is an empty ledger") {
  temporary_folder f;
  const auto file = f.path / "here.ledger";
  append(file, "troupe lau");
  CHECK(launch_ledger::open(file).value().open_launches().empty());
}

TEST_CASE("a file that is no ledger is refused and left as it is") {
  temporary_folder f;
  const auto file = f.path / "here.ledger";
  for (std::string text : {"something else\n", "troupe launch ledger 9\n", "x",
                           "troupe launch ledger 1\n+ a\n? b\n"}) {
    std::filesystem::remove(file);
    append(file, text);
    auto r = launch_ledger::open(file);
    REQUIRE_FALSE(r);
    CHECK(r.error().message.find(file.string()) != std::string::npos);
    CHECK(content(file) == text);
  }
}

TEST_CASE("history does not pile up") {
  temporary_folder f;
  const auto file = f.path / "here.ledger";
  auto l = launch_ledger::open(file).value();
  CHECK(l.launched(ids{"stays"}));
  for (int i = 0; i < 50; ++i) {
    ids some;
    for (int k = 0; k < 200; ++k) some.push_back(std::to_string(i) + "." + std::to_string(k));
    REQUIRE(l.launched(some));
    REQUIRE(l.ended(some));
  }
  CHECK(std::filesystem::file_size(file) < 100'000);
  CHECK(launch_ledger::open(file).value().open_launches() == ids{"stays"});
}

TEST_CASE("a ledger that can't be written says so and keeps what it had") {
  temporary_folder f;
  const auto file = f.path / "here.ledger";
  auto l = launch_ledger::open(file).value();
  REQUIRE(l.launched(ids{"a"}));
  const auto before = content(file);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  rlimit small = old;
  small.rlim_cur = before.size() + 5;  // half a line fits
  ::setrlimit(RLIMIT_FSIZE, &small);
  auto r = l.launched(ids{"a-launch-with-a-long-name"});
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, ignored);
  REQUIRE_FALSE(r);
  CHECK(r.error().code == errc::io);
  CHECK(content(file) == before);
  CHECK(l.open_launches() == ids{"a"});
  CHECK(l.launched(ids{"b"}));
  CHECK(launch_ledger::open(file).value().open_launches() == ids{"a", "b"});
}

TEST_CASE("an id of two lines is refused") {
  temporary_folder f;
  auto l = launch_ledger::open(f.path / "here.ledger").value();
  CHECK_FALSE(l.launched(ids{"a\n- b"}));
}

}  // namespace troupe::providers::test
