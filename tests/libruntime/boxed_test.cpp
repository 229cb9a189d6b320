#include <string>

#include "libruntime/boxed.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("a box is one pointer wide, empty until something is put in, and copied deep") {
  static_assert(sizeof(boxed<std::string>) == sizeof(void*));
  boxed<std::string> nothing;
  CHECK_FALSE(nothing);
  CHECK(nothing.value_or("else") == "else");
  boxed<std::string> a = std::string{"one"};
  auto b = a;
  *b += " and more";
  CHECK(*a == "one");
  CHECK(*b == "one and more");
  a = std::move(b);
  CHECK(a->size() == 12);
  a = nothing;
  CHECK_FALSE(a.has_value());
  CHECK(a.emplace().empty());
}

TEST_CASE("a boxed list takes no memory while it is empty, and reads as a vector") {
  static_assert(sizeof(boxed_vector<int>) == sizeof(void*));
  boxed_vector<int> list;
  CHECK(list.empty());
  CHECK(list.begin() == list.end());
  const std::vector<int>& nothing = list;
  CHECK(nothing.empty());
  list.push_back(3);
  list.resize(3);
  auto copy = list;
  copy[1] = 7;
  CHECK(list[1] == 0);
  const std::vector<int>& seen = copy;
  CHECK(seen == std::vector{3, 7, 0});
  list.clear();
  CHECK(list.size() == 0);
  list = {1, 2};
  CHECK(std::vector<int>(list.begin(), list.end()) == std::vector{1, 2});
}
