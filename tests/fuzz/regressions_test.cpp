// Inputs that once broke something, and some that were made to.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "libruntime/protocol/wire.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/catch.hpp"

namespace {

void run_all(const char* name, void (*target)(std::span<const std::byte>)) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator{
           std::filesystem::path{TROUPE_SOURCE_DIR} / "tests/fuzz/regressions" / name}) {
    std::ifstream in{entry.path(), std::ios::binary};
    std::stringstream text;
    text << in.rdbuf();
    auto bytes = text.str();
    INFO(entry.path());
    target(troupe::wire::as_bytes(bytes));
    ++files;
  }
  CHECK(files > 0);
}

}  // namespace

TEST_CASE("the codec stands every input that once was trouble") {
  run_all("codec", troupe::fuzz::codec);
}

TEST_CASE("a session stands every input that once was trouble") {
  run_all("session", troupe::fuzz::session);
}
