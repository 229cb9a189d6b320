#include "cli/story.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::cli;
using protocol::event_kind;

namespace {

protocol::event_record event(event_kind kind, const std::string& pool, const std::string& text) {
  protocol::event_record e;
  e.kind = kind;
  e.job = job_id{12};
  e.pool = pool;
  e.text = text;
  return e;
}

}  // namespace

TEST_CASE("the story tells of jobs, workers and pools, and not of tasks") {
  CHECK(story_line(event(event_kind::job_opened, "", "train")) == "job 12 opened: train");
  CHECK(story_line(event(event_kind::job_opened, "", "")) == "job 12 opened");
  CHECK(story_line(event(event_kind::worker_joined, "here", "here-1 on vm")) ==
        "worker joined: here-1 on vm");
  CHECK(story_line(event(event_kind::decision, "here", "up to 4")) == "pool here: up to 4");
  for (auto kind : {event_kind::task_ready, event_kind::task_started, event_kind::task_finished,
                    event_kind::task_retried})
    CHECK(story_line(event(kind, "", "x")).empty());
}

TEST_CASE("a pool is named once") {
  CHECK(story_line(event(event_kind::pool_changed, "here", "pool here: backs off")) ==
        "pool here: backs off");
  CHECK(story_line(event(event_kind::pool_changed, "", "disk is full")) == "disk is full");
}
