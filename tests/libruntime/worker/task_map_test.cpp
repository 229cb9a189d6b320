#include <random>
#include <unordered_map>

#include "libruntime/worker/task_map.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using worker::task_map;

TEST_CASE("a task map says what a plain map says, whatever comes and goes") {
  std::mt19937_64 random{11};
  auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  // Few jobs with many neighbouring tasks; many with few each, also where a worker sees every 32nd only.
  auto spread = GENERATE(1u, 3u, 5000u);
  auto stride = GENERATE(1u, 32u);
  task_map map;
  std::unordered_map<std::uint64_t, std::uint32_t> plain;
  auto any_id = [&] {
    return task_id{job_id{1 + below(spread) * stride}, below(spread > 100 ? 3 : 2000)};
  };
  auto key_of = [](task_id id) { return std::uint64_t{id.job.value} << 32 | id.index; };
  for (std::uint32_t i = 0; i < 40'000; ++i) {
    auto id = any_id();
    auto key = key_of(id);
    bool emptying = i / 10'000 % 2 == 1;  // pages come to their end
    if (below(emptying ? 40 : 2) == 0) {
      map.set(id, i);
      plain[key] = i;
    } else {
      map.erase(id);
      plain.erase(key);
    }
    auto other = any_id();
    auto there = plain.find(key_of(other));
    REQUIRE(map.find(other) == (there == plain.end() ? task_map::none : there->second));
    REQUIRE(map.size() == plain.size());
    if (i % 1000 != 0) continue;
    for (auto [k, x] : plain)
      REQUIRE(map.find({job_id{static_cast<std::uint32_t>(k >> 32)}, static_cast<std::uint32_t>(k)}) == x);
  }
}

TEST_CASE("a task map finds nothing in what is empty, and keeps apart what shares a page's place") {
  task_map map;
  CHECK(map.find({job_id{1}, 0}) == task_map::none);
  map.erase({job_id{1}, 0});
  map.set({job_id{1}, 31}, 1);
  map.set({job_id{1}, 32}, 2);
  map.set({job_id{2}, 31}, 3);
  CHECK(map.find({job_id{1}, 31}) == 1);
  CHECK(map.find({job_id{1}, 32}) == 2);
  CHECK(map.find({job_id{2}, 31}) == 3);
  CHECK(map.find({job_id{1}, 30}) == task_map::none);
  map.erase({job_id{1}, 31});
  CHECK(map.find({job_id{1}, 31}) == task_map::none);
  CHECK(map.size() == 2);
}
