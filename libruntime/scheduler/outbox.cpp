// What a handle() call says: collected while rules run, written out at its end as few, bounded
// messages. The order is that in which the actions must be carried out.
#include <algorithm>
#include <utility>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

// One message stays well below a frame, unless a single value is larger.
constexpr std::uint64_t message_bytes = std::uint64_t{256} << 10;
constexpr std::size_t message_items = 4096;

// Calls emit(vector) for consecutive pieces of `items` that respect the bounds.
template <class T, class Size, class Emit>
void in_pieces(std::vector<T>&& items, Size size, Emit emit) {
  std::uint64_t bytes = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto n = size(items[i]);
    if (i > begin && (bytes + n > message_bytes || i - begin >= message_items)) {
      emit(std::vector<T>(std::make_move_iterator(items.begin() + begin),
                          std::make_move_iterator(items.begin() + i)));
      begin = i;
      bytes = 0;
    }
    bytes += n;
  }
  if (begin == 0)
    emit(std::move(items));
  else
    emit(std::vector<T>(std::make_move_iterator(items.begin() + begin),
                        std::make_move_iterator(items.end())));
}

}  // namespace

error_ptr core::state::error_of(const job_record& j, const task_record& r) const {
  if (auto error = r.error()) return error;
  if (r.state == task_state::cancelled && j.cancel_error) return j.cancel_error;
  return nullptr;
}

protocol::task_result core::state::row_of(const job_record& j, const task_record& r, task_id id,
                                          value result) const {
  protocol::task_result row;
  row.index = id.index;
  row.outcome = r.state == task_state::finished  ? protocol::outcome::succeeded
                : r.state == task_state::failed ? protocol::outcome::failed
                                                : protocol::outcome::cancelled;
  row.result = std::move(result);
  if (r.state != task_state::finished)
    if (auto error = error_of(j, r)) row.error = *error;
  return row;
}

// The outcome goes to whoever wants it: the job's client and those who watch it.
void core::state::deliver(job_record& j, const task_record& r, task_id id, value result) {
  bool own =
      j.want_results && j.session->client && !j.abandoned && !r.has(task_flag::released);
  if (!own && j.watchers.empty()) return;
  if (j.output.empty()) j.output.reserve(std::min(j.usual_output, message_items));
  j.output.push_back(row_of(j, r, id, std::move(result)));
  if (j.in_outbox) return;
  j.in_outbox = true;
  speaking.push_back(j.id);
}

void core::state::announce(job_record& j) {
  j.announce_end = true;
  if (j.in_outbox) return;
  j.in_outbox = true;
  speaking.push_back(j.id);
}

void core::state::speak(worker& w) {
  if (w.in_outbox) return;
  w.in_outbox = true;
  talking.push_back(&w);
}

void core::state::send_results(client_id to, std::uint64_t key, job_id id,
                               std::vector<protocol::task_result> items, actions& out) {
  if (items.empty()) return;
  in_pieces(
      std::move(items),
      [](const protocol::task_result& t) {
        return 16 + t.result.size() + (t.error ? t.error->message.size() + t.error->type.size() : 0);
      },
      [&](std::vector<protocol::task_result> piece) {
        out.push_back(to_client{to, protocol::results{key, id, std::move(piece)}});
      });
}

void core::state::flush_jobs(actions& out) {
  for (auto id : speaking) {
    auto* j = jobs.find(id);
    if (!j) continue;  // purged in this very call: over and wanted by nobody
    j->in_outbox = false;
    j->usual_output = j->output.size();
    auto items = std::exchange(j->output, {});
    bool own = j->session->client && !j->abandoned;
    for (const auto& w : j->watchers) {
      auto copy = items;
      if (!w.values)
        for (auto& item : copy) item.result = {};
      send_results(w.client, w.key, id, std::move(copy), out);
    }
    if (own && j->want_results)
      send_results(j->session->client, j->key, id, std::move(items), out);
    if (!std::exchange(j->announce_end, false)) continue;
    auto n = [&](task_state s) { return j->counts[static_cast<std::size_t>(s)]; };
    auto end = protocol::job_finished{j->key, id, n(task_state::finished), n(task_state::failed),
                                      n(task_state::cancelled)};
    if (own) out.push_back(to_client{j->session->client, end});
    for (const auto& w : j->watchers) {
      end.key = w.key;
      out.push_back(to_client{w.client, end});
    }
  }
  speaking.clear();
}

void core::state::flush_worker(worker& w, actions& out) {
  w.in_outbox = false;
  if (w.unacked != 0) out.push_back(to_worker{w.id, protocol::ack{w.last_number}});
  w.unacked = w.unacked_bytes = 0;
  if (!w.cancels.empty()) {
    std::map<std::string, std::vector<protocol::attempt_reference>> by_reason;
    for (auto& [what, reason] : w.cancels) by_reason[reason].push_back(what);
    w.cancels.clear();
    for (auto& [reason, items] : by_reason)
      out.push_back(to_worker{w.id, protocol::cancel_attempts{std::move(items), reason}});
  }
  if (std::exchange(w.drain_pending, false))
    out.push_back(to_worker{w.id, protocol::drain{w.drain_reason}});
  if (!w.recalls.empty())
    out.push_back(to_worker{w.id, protocol::recall{std::exchange(w.recalls, {})}});
  for (auto index : w.new_templates)
    out.push_back(to_worker{
        w.id, protocol::worker_template{template_id{index + 1}, kinds.spec(index).spec}});
  w.new_templates.clear();
  if (w.assigns.empty()) return;
  w.usual_assigns = std::min(w.assigns.size(), message_items);
  in_pieces(
      std::exchange(w.assigns, {}),
      [](const protocol::assignment& a) {
        auto bytes = 32 + a.arguments.size();
        for (const auto& v : a.inputs) bytes += v.size();
        return bytes;
      },
      [&](std::vector<protocol::assignment> piece) {
        out.push_back(to_worker{w.id, protocol::assign{std::move(piece)}});
      });
}

void core::state::flush(actions& out) {
  // A report is mostly answered by results for its client, and an acknowledgement and tasks for its worker.
  out.reserve(out.size() + replies.size() + speaking.size() + 2 * talking.size());
  for (auto& a : replies) out.push_back(std::move(a));
  replies.clear();
  flush_jobs(out);
  if (retention_due) enforce_retention();
  for (auto* w : talking) {
    if (w->connected)
      flush_worker(*w, out);
    else
      w->hush();
  }
  talking.clear();
  for (auto id : std::exchange(drained, {})) out.push_back(drain_complete{id});
  for (auto id : std::exchange(expired, {})) out.push_back(worker_lease_expired{id});
  for (auto& [id, bytes] : spills) out.push_back(spill_result{id, std::move(bytes)});
  spills.clear();
  if (newly_ready > newly_filled) out.push_back(demand_unmet{});
  if (!story.empty()) out.push_back(publish_events{std::exchange(story, {})});
  auto next = timers.next();
  if (next && next != announced_wake) out.push_back(wake_at{*next});
  announced_wake = next;
}

}  // namespace troupe::scheduler
