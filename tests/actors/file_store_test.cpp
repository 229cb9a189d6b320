#include "actors/file_store.hpp"

#include <filesystem>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace troupe;

TEST_CASE("a stored value has the same bytes and none of our memory") {
  tests::temporary_folder folder;
  auto store = actors::file_store::open(folder.path() / "values");
  REQUIRE(store);
  auto v = value::of(std::string(3'000'000, 'x'));
  auto stored = (*store)->store(v);
  REQUIRE(stored);
  CHECK(*stored == v);
  CHECK_FALSE(stored->is_heap());
}

TEST_CASE("a stored value leaves no file behind, even while it lives") {
  tests::temporary_folder folder;
  auto store = actors::file_store::open(folder.path() / "values");
  REQUIRE(store);
  auto stored = (*store)->store(value::of(std::string(100'000, 'x')));
  REQUIRE(stored);
  CHECK(std::filesystem::is_empty(folder.path() / "values"));
}

TEST_CASE("a full store refuses values, takes what arrives all the same, and has room again when they go") {
  tests::temporary_folder folder;
  auto store = actors::file_store::open(folder.path() / "values", 250'000);
  REQUIRE(store);
  auto v = value::of(std::string(100'000, 'x'));
  auto first = (*store)->store(v), second = (*store)->store(v), third = (*store)->store(v);
  CHECK(first);
  CHECK(second);
  REQUIRE_FALSE(third);
  CHECK(third.error().code == errc::overloaded);
  CHECK(third.error().message.find("less than 100005 bytes are left") != std::string::npos);

  auto writer = (*store)->create(v.size());
  REQUIRE(writer);
  REQUIRE((*writer)->append(v.data()));
  auto arrived = (*writer)->finish();
  REQUIRE(arrived);
  CHECK(*arrived == v);
  CHECK_FALSE(arrived->is_heap());

  first = value{};
  CHECK_FALSE((*store)->store(v));  // what arrived counts
  writer->reset();
  arrived = value{};
  CHECK((*store)->store(v));
}

TEST_CASE("a store that can't be made says which folder") {
  auto store = actors::file_store::open("/proc/no/such/folder");
  REQUIRE_FALSE(store);
  CHECK(store.error().message.find("/proc/no/such/folder") != std::string::npos);
}
