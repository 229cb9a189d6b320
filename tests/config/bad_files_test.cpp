// Every file in bad/ is refused with exactly the words in the .txt beside it.
#include <algorithm>
#include <unistd.h>
#include <vector>

#include "config/config.hpp"
#include "tests/config/files.hpp"

namespace troupe {
namespace {

using namespace testing;

std::vector<std::filesystem::path> bad_files() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator{source_dir() / "tests/config/bad"}) {
    if (entry.path().extension() == ".yaml") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST_CASE("every problem of a bad file is named with line, column, option and what is allowed") {
  auto files = bad_files();
  REQUIRE(files.size() >= 50);
  for (const auto& file : files) {
    INFO(file.filename().string());
    auto result = config::check(file.string(), {});
    CHECK_FALSE(result.ok);
    auto folder = file.parent_path().string() + "/";
    auto text = replaced(result.text, folder, "");
    // Each line but the count says where.
    CHECK(text.starts_with(file.filename().string() + ":"));
    check_same_as_file(std::filesystem::path{file}.replace_extension(".txt"), text);
  }
}

TEST_CASE("a file that is not there, not readable or not a file is one clear problem") {
  temporary_folder folder;
  auto missing = (folder.path() / "missing.yaml").string();
  CHECK(config::check(missing, {}).text ==
        missing + ": can't be read: No such file or directory\n" + missing + ": 1 problem\n");
  auto is_folder = folder.path().string();
  CHECK(config::check(is_folder, {}).text ==
        is_folder + ": can't be read: Is a directory\n" + is_folder + ": 1 problem\n");
  if (::geteuid() != 0) {  // root reads everything
    auto closed = folder.write("closed.yaml", "cluster: {name: demo}\n");
    std::filesystem::permissions(closed, std::filesystem::perms::none);
    CHECK(config::check(closed, {}).text ==
          closed + ": can't be read: Permission denied\n" + closed + ": 1 problem\n");
  }
}

TEST_CASE("a file of any size ends in a bounded time with a problem") {
  temporary_folder folder;
  auto large = folder.write("large.yaml", std::string((1 << 20) + 1, '#'));
  CHECK(config::check(large, {}).text == large + ": larger than 1MiB\n" + large + ": 1 problem\n");
  auto endless = config::check("/dev/zero", {});
  CHECK(endless.text == "/dev/zero: larger than 1MiB\n/dev/zero: 1 problem\n");
}

TEST_CASE("of very many problems the first hundred are shown and the rest counted") {
  std::string yaml = "pools:\n";
  for (int i = 0; i < 250; ++i) yaml += "  - {name: p" + std::to_string(i) + ", mim: 1}\n";
  auto result = config::load_text(yaml, "many.yaml", {});
  REQUIRE_FALSE(result);
  CHECK(result.error().size() == option_report::limit + 1);
  CHECK(to_string(result.error().back()) == "many.yaml: and 150 more problems");
}

}  // namespace
}  // namespace troupe
