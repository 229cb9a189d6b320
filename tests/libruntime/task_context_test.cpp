#include "libruntime/task_context.hpp"

#include <limits>

#include "tests/libruntime/fake_task.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using troupe::testing::fake_task;

TEST_CASE("a function sees its task, attempt and resources") {
  fake_task task;
  task.resources.amounts = {{"cpus", 1}, {"GPU", 2}};
  task.resources.indexes = {{"GPU", {0, 3}}};
  CHECK(to_string(task.context.task()) == "12.3");
  CHECK(task.context.attempt() == 2);
  CHECK(task.context.resources().get("GPU") == 2 * one_unit);
  CHECK(task.context.indexes("GPU") == std::vector<std::uint32_t>{0, 3});
  CHECK(task.context.indexes("cpus").empty());
  CHECK(task.context.scratch() == "/scratch/12.3");
}

TEST_CASE("a stop reaches the token, with its reason, and only the first counts") {
  fake_task task;
  CHECK(!task.context.stop_requested());
  CHECK_NOTHROW(task.context.check_cancelled());
  auto seen = stop_reason::none;
  std::stop_callback callback{task.context.stop_token(), [&] { seen = task.context.stop_reason(); }};
  CHECK(task.stop.request(stop_reason::timed_out));
  CHECK(!task.stop.request(stop_reason::cancelled));
  CHECK(seen == stop_reason::timed_out);
  CHECK(task.context.stop_token().stop_requested());
  CHECK(task.context.stop_reason() == stop_reason::timed_out);
  CHECK_THROWS_AS(task.context.check_cancelled(), cancelled_error);
}

TEST_CASE("progress stays between 0 and 1") {
  fake_task task;
  for (double x : {-1.0, 0.25, 7.0, std::numeric_limits<double>::quiet_NaN()})
    task.context.progress(x, "half");
  CHECK(task.services.fractions == std::vector<double>{0, 0.25, 1, 0});
}

TEST_CASE("log lines go to the worker with their level") {
  fake_task task;
  task.context.log(log_level::warning, "careful");
  CHECK(task.services.lines == std::vector<std::string>{"warning careful"});
}
