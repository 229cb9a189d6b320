#include <optional>

#include "api/client_session.hpp"
#include "api/submission.hpp"
#include "troupe/client.hpp"

namespace troupe::detail {

struct map_writer::progress {
  progress(std::shared_ptr<client_session> s, task_spec spec, bool w)
      : session(std::move(s)), whole(w) {
    open.key = session->new_key();
    open.name = spec.function;
    messages.emplace(std::move(spec), open.key);
  }

  std::size_t pending() const { return messages->size() - submitted; }

  void submit() {
    if (!job) job = session->open(open);
    auto n = pending();
    session->extend(*job, n, messages->sink().take());
    submitted += static_cast<task_index>(n);
    piece = piece_after(piece);
  }

  std::shared_ptr<client_session> session;
  const bool whole;
  protocol::open_job open;
  std::optional<map_messages> messages;
  std::shared_ptr<job_handle> job;  // once something of it has been submitted
  task_index submitted = 0;         // slots the job has
  std::size_t piece = first_piece;  // this many are submitted at once
  bool finished = false;
};

map_writer::map_writer(std::shared_ptr<client_session> session, task_spec spec, bool whole)
    : progress_(std::make_unique<progress>(std::move(session), std::move(spec), whole)) {}

map_writer::~map_writer() {
  auto& p = *progress_;
  if (p.finished || !p.job) return;
  p.session->abandon(*p.job, p.submitted);
}

void map_writer::add(value arguments, const std::vector<task_handle>& inputs) {
  auto& p = *progress_;
  std::vector<protocol::task_reference> references;
  if (!inputs.empty()) references = value_or_throw(p.session->references(inputs));
  p.messages->add(std::move(arguments), std::move(references));
  if (p.whole || p.pending() < p.piece) return;
  p.submit();
  p.session->let_send();
}

std::shared_ptr<holder> map_writer::finish() {
  auto& p = *progress_;
  p.messages->close();
  p.submit();
  p.finished = true;
  return std::make_shared<holder>(p.session, p.job, 0, p.submitted);
}

std::size_t map_writer::size() const { return progress_->messages->size(); }

}  // namespace troupe::detail
