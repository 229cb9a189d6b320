#include "libruntime/ids.hpp"

#include <type_traits>
#include <unordered_set>

#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("tasks are written JOB.INDEX and read back") {
  task_id t{job_id{12}, 3};
  CHECK(to_string(t) == "12.3");
  CHECK(parse_task_id("12.3") == t);
  CHECK(parse_task_id("4294967295.4294967295") == task_id{job_id{4294967295}, 4294967295});
  CHECK(parse_task_id("1.0") == task_id{job_id{1}, 0});
}

TEST_CASE("what isn't exactly a task or a job is not taken for one") {
  for (const char* bad : {"", "12", ".", "12.", ".3", "0.3", "12.3.4", "12.3 ", " 12.3", "-1.3", "+1.3",
                          "1.-3", "4294967296.1", "1.4294967296", "a.b", "1,3"}) {
    INFO(bad);
    CHECK(!parse_task_id(bad).has_value());
  }
  for (const char* bad : {"", "0", "12.3", "-1", "x", "4294967296", "1 "}) {
    INFO(bad);
    CHECK(!parse_job_id(bad).has_value());
  }
  CHECK(parse_job_id("7") == job_id{7});
}

TEST_CASE("ids of different things can't be mixed up, and 0 is none") {
  CHECK(!std::is_convertible_v<job_id, worker_id>);
  CHECK(!std::is_convertible_v<int, job_id>);
  CHECK(!job_id{});
  CHECK(job_id{1});
  CHECK(job_id{1} < job_id{2});
}

TEST_CASE("tasks order by job, then by index, and can be keys") {
  CHECK(task_id{job_id{1}, 9} < task_id{job_id{2}, 0});
  CHECK(task_id{job_id{1}, 1} < task_id{job_id{1}, 2});
  std::unordered_set<task_id> set;
  for (std::uint32_t job = 1; job <= 10; ++job)
    for (std::uint32_t i = 0; i < 10; ++i) set.insert({job_id{job}, i});
  CHECK(set.size() == 100);
  CHECK(set.contains({job_id{10}, 9}));
}
