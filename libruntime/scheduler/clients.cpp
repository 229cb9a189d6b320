// Clients: sessions that outlive their links, their credits, and what they are told again when they
// come back.
#include <algorithm>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {
namespace {

constexpr std::size_t resend_chunk = 4096;
// Credit is given in parts of the window, of this size or more: small ones, because what the client
// has room for by then is what the workers hold already, and the queue behind them would run dry.
constexpr std::uint32_t credit_parts = 16;

}  // namespace

client_session* core::state::session_of(client_id id) {
  auto i = clients.find(id);
  return i == clients.end() ? nullptr : i->second;
}

bool core::state::may(client_id id, const job_record& j) const {
  auto i = clients.find(id);
  if (i == clients.end()) return false;
  const auto& s = *i->second;
  return s.admin || j.session == &s || j.owner == s.owner;
}

void core::state::on(const client_joined& e) {
  // A link without an incarnation, or with one that belongs to somebody else, resumes nothing.
  auto key = e.incarnation;
  auto known = sessions.find(key);
  if (key == 0 || (known != sessions.end() && known->second->owner != e.owner))
    key = std::uint64_t{e.client.value} | std::uint64_t{1} << 63;
  auto& owned = sessions[key];
  bool fresh = !owned;
  if (fresh) owned = std::make_unique<client_session>();
  auto& s = *owned;
  if (s.client) clients.erase(s.client);  // the old link is half dead
  credit_out -= s.credit;
  s.credit = s.received = 0;
  s.incarnation = key;
  s.client = e.client;
  s.owner = e.owner;
  s.admin = e.admin;
  clients[e.client] = &s;
  if (!fresh) resume(s);
  grant(s);
}

void core::state::on(const client_left& e) {
  auto* s = session_of(e.client);
  if (!s) return;  // it came back on another link already
  clients.erase(e.client);
  credit_out -= s->credit;
  s->credit = 0;
  s->client = {};
  s->gone_since = now;
  std::erase(starved, s);
  s->starved = false;
  timers.add(now + settings.client_grace, timer_kind::client, s->incarnation);
  jobs.each([&](job_record& j) {
    std::erase_if(j.watchers, [&](const watcher& w) { return w.client == e.client; });
  });
}

// What was under way when the old link went may have been lost: all of it is said again.
void core::state::resume(client_session& s) {
  for (auto [key, id] : s.jobs) {
    auto* j = jobs.find(id);
    if (j->refused) {
      reply_refused(s, key, *j->cancel_error);
      continue;
    }
    if (j->abandoned) {
      reply_refused(s, key, {errc::cancelled, j->cancel_error->message, {}});
      continue;
    }
    replies.push_back(to_client{s.client, protocol::job_opened{key, id}});
    if (j->want_results) resend(*j, s.client, key, true, false);
    if (j->done) announce(*j);
  }
}

void core::state::resend(job_record& j, client_id to, std::uint64_t key, bool values, bool all) {
  std::vector<protocol::task_result> rows;
  for (std::uint32_t i = 0; i < j.tasks.size(); ++i) {
    const auto& r = j.tasks[i];
    if (!is_terminal(r.state) || (!all && r.has(task_flag::released))) continue;
    bool with_value = values && r.has(task_flag::has_result);
    rows.push_back(row_of(j, r, j.id_of(i), with_value ? r.payload : value{}));
    if (rows.size() >= resend_chunk)
      send_results(to, key, j.id, std::exchange(rows, {}), replies);
  }
  send_results(to, key, j.id, std::move(rows), replies);
}

void core::state::on(const watch_job& e) {
  auto* j = jobs.find(e.job);
  if (!j || !may(e.client, *j)) {
    ++stats.stale;
    return;
  }
  resend(*j, e.client, e.key, e.values, true);
  auto n = [&](task_state s) { return j->counts[static_cast<std::size_t>(s)]; };
  if (j->done) {
    replies.push_back(to_client{
        e.client, protocol::job_finished{e.key, j->id, n(task_state::finished),
                                         n(task_state::failed), n(task_state::cancelled)}});
    return;
  }
  std::erase_if(j->watchers, [&](const watcher& w) { return w.client == e.client && w.key == e.key; });
  j->watchers.push_back({e.client, e.key, e.values});
}

// The grace is over. The session stays as long as jobs of it are kept, so that a client which
// comes back later still learns what became of them.
void core::state::end_session(client_session& s) {
  auto seconds = std::to_string(duration_cast<std::chrono::seconds>(settings.client_grace).count());
  for (auto [key, id] : s.jobs) {
    auto& j = *jobs.find(id);
    if (j.abandoned) continue;
    // A graph that was never closed was never whole: there is nothing to start.
    if (j.lifetime == protocol::lifetime::client || j.held) {
      cancel(j, {}, "its client has been gone for " + seconds + " s");
      j.abandoned = true;
      for (std::uint32_t i = 0; i < j.tasks.size(); ++i) drop_if_unneeded(j, j.tasks[i]);
    } else if (j.open) {
      j.closed_for_absence = true;
      close(j);
    }
    settle(j);
  }
  forget_if_unused(s);
}

void core::state::forget_if_unused(client_session& s) {
  if (!s.client && s.jobs.empty() && s.gone_since + settings.client_grace <= now)
    sessions.erase(s.incarnation);
}

// ---- credits ----------------------------------------------------------------------------------
// All tasks that have not ended, plus all credit that is out, never exceed max_tasks.

void core::state::grant(client_session& s) {
  if (!s.client) return;
  auto unended = counts[0] + counts[1] + counts[2] + counts[3];
  auto taken_up = unended + credit_out;
  auto room = settings.max_tasks > taken_up ? settings.max_tasks - taken_up : 0;
  std::uint64_t wanted = settings.submit_window - std::min<std::uint64_t>(s.credit, settings.submit_window);
  auto given = std::min(wanted, room);
  bool worth_it = given > 0 && (s.credit == 0 || given >= settings.submit_window / credit_parts);
  if (worth_it) {
    s.credit += given;
    credit_out += given;
    replies.push_back(to_client{
        s.client, protocol::submit_credit{static_cast<std::uint32_t>(given), s.received}});
  }
  if (room < wanted && !s.starved) {
    s.starved = true;
    starved.push_back(&s);
  }
}

void core::state::grant_starved() {
  for (auto* s : std::exchange(starved, {})) {
    s->starved = false;
    grant(*s);
  }
}

}  // namespace troupe::scheduler
