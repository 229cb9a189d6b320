#include <memory>
#include <string>
#include <vector>

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

namespace {

template <class T>
std::vector<T> plain(const boxed_vector<T>& list) {
  return {list.begin(), list.end()};
}

}  // namespace

TEST_CASE("a boxed list takes no memory while it is empty, and reads as a vector") {
  static_assert(sizeof(boxed_vector<int>) == sizeof(void*));
  boxed_vector<int> list;
  CHECK(list.empty());
  CHECK(list.begin() == list.end());
  list.push_back(3);
  list.resize(3);
  auto copy = list;
  copy[1] = 7;
  CHECK(list[1] == 0);
  CHECK(plain(copy) == std::vector{3, 7, 0});
  copy.resize(1);
  CHECK(plain(copy) == std::vector{3});
  list.clear();
  CHECK(list.size() == 0);
  list = {1, 2};
  CHECK(plain(list) == std::vector{1, 2});
}

TEST_CASE("a boxed list keeps its items as it grows, and ends each of them once") {
  auto item = std::make_shared<int>(1);
  boxed_vector<std::shared_ptr<int>> list;
  for (int i = 0; i < 100; ++i) list.push_back(item);
  CHECK(item.use_count() == 101);
  auto copy = list;
  CHECK(item.use_count() == 201);
  copy = {item};
  CHECK(item.use_count() == 102);
  auto moved = std::move(list);
  CHECK(moved.size() == 100);
  CHECK(moved[99] == item);
  moved.resize(3);
  CHECK(item.use_count() == 5);
  moved.push_back(moved[0]);  // of itself, as it is full or not
  CHECK(moved[3] == item);
  moved.clear();
  copy.clear();
  CHECK(item.use_count() == 1);
}
