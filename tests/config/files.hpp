// Files of the source tree, for tests that compare with them. With TROUPE_REWRITE=1 in the
// environment such a test writes what it got instead; look at the difference before committing it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/catch.hpp"

namespace troupe::testing {

inline std::filesystem::path source_dir() {
  return TROUPE_SOURCE_DIR;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void check_same_as_file(const std::filesystem::path& path, const std::string& text) {
  if (std::getenv("TROUPE_REWRITE")) {
    std::ofstream{path, std::ios::binary} << text;
    return;
  }
  INFO("rewritten by TROUPE_REWRITE=1: " << path.string());
  CHECK(read_text(path) == text);
}

inline std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// A folder that goes with its owner.
class temporary_folder {
 public:
  temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "troupe-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{path_ / name, std::ios::binary} << text;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace troupe::testing
