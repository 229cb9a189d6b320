#include "actors/io_actor.hpp"

namespace troupe::actors {
namespace {

// Then the links have their turn: what the actor has said goes out, what has come is read. One message of
// thousands of tasks takes that long.
constexpr int messages_at_once = 8;
constexpr duration longest_turn = std::chrono::microseconds{100};

// A job on its way to the io thread. Its actor must come to its end even if that thread doesn't any
// more: CAF's own threads take it then.
class posted_job {
 public:
  posted_job(caf::actor_system& system, caf::resumable* job) : system_(system), job_(job) {}
  posted_job(const posted_job&) = delete;
  posted_job& operator=(const posted_job&) = delete;
  ~posted_job() {
    if (job_) system_.scheduler().enqueue(job_);
  }
  caf::resumable* take() { return std::exchange(job_, nullptr); }

 private:
  caf::actor_system& system_;
  caf::resumable* job_;
};

}  // namespace

void io_unit::exec_later(caf::resumable* job) {
  if (job->subtype() != caf::resumable::io_actor) return system().scheduler().enqueue(job);
  post_([self = shared_from_this(), posted = std::make_shared<posted_job>(system(), job)] {
    self->run(posted->take());
  });
}

void io_unit::run(caf::resumable* job) {
  const auto until = clock::now() + longest_turn;
  for (int handled = 1;; ++handled) {
    switch (job->resume(this, 1)) {
      case caf::resumable::resume_later:
        if (handled == messages_at_once || clock::now() >= until) return exec_later(job);
        break;
      case caf::resumable::awaiting_message:
      case caf::resumable::done:
      case caf::resumable::shutdown_execution_unit: return caf::intrusive_ptr_release(job);
    }
  }
}

}  // namespace troupe::actors
