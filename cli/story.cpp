// See story.hpp.
#include "cli/story.hpp"

namespace troupe::cli {
namespace {

std::string with(const std::string& words, const std::string& text) {
  return text.empty() ? words : words + ": " + text;
}

}  // namespace

std::string story_line(const protocol::event_record& e) {
  using kind = protocol::event_kind;
  auto job = "job " + std::to_string(e.job.value);
  // Some texts name the pool themselves.
  auto pool = e.pool.empty() || e.text.starts_with("pool " + e.pool) ? std::string{}
                                                                     : "pool " + e.pool;
  switch (e.kind) {
    case kind::job_opened: return with(job + " opened", e.text);
    case kind::job_finished: return with(job + " ended", e.text);
    case kind::worker_joined: return with("worker joined", e.text);
    case kind::worker_lost: return with("worker lost", e.text);
    case kind::worker_draining: return with("worker draining", e.text);
    case kind::worker_gone: return with("worker gone", e.text);
    case kind::configuration: return e.text;
    case kind::pool_changed:
    case kind::decision: return pool.empty() ? e.text : with(pool, e.text);
    case kind::task_ready:
    case kind::task_started:
    case kind::task_finished:
    case kind::task_retried: break;
  }
  return {};
}

}  // namespace troupe::cli
