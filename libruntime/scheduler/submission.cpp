// What clients send: jobs, templates, tasks. Everything is idempotent by key, number and position,
// because a client that reconnects sends again what it isn't sure of.
#include <algorithm>

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {

void core::state::on(const from_client& e) {
  auto* s = session_of(e.client);
  if (!s) {
    ++stats.stale;  // its link is known to be gone
    return;
  }
  std::visit([&](const auto& m) { take(*s, m); }, e.message);
}

job_record* core::state::job_by_key(client_session& s, std::uint64_t key) {
  auto i = s.jobs.find(key);
  return i == s.jobs.end() ? nullptr : jobs.find(i->second);
}

void core::state::reply_refused(client_session& s, std::uint64_t key, failure why) {
  if (s.client) replies.push_back(to_client{s.client, protocol::job_refused{key, std::move(why)}});
}

void core::state::take(client_session& s, const protocol::open_job& m) {
  if (auto* known = job_by_key(s, m.key)) {
    if (known->refused) return reply_refused(s, m.key, *known->cancel_error);
    replies.push_back(to_client{s.client, protocol::job_opened{m.key, known->id}});
    return;
  }
  auto& j = jobs.create();
  j.key = m.key;
  j.name = m.name;
  j.owner = s.owner;
  j.lifetime = m.lifetime;
  j.want_results = m.want_results;
  j.held = m.hold;
  j.first_index = m.first_index;
  j.independent = m.independent && !m.hold;
  j.session = &s;
  j.submitted_at = now;
  s.jobs[m.key] = j.id;
  replies.push_back(to_client{s.client, protocol::job_opened{m.key, j.id}});
  tell(protocol::event_kind::job_opened, j.id, 0, {}, {}, m.name);
}

void core::state::take(client_session& s, const protocol::define_template& m) {
  auto* j = job_by_key(s, m.key);
  if (!j) return reply_refused(s, m.key, {errc::not_found, "no job was opened with this key", {}});
  if (j->refused || m.number < j->templates.size()) return;  // over, or sent again
  if (m.number != j->templates.size())
    return refuse(*j, {errc::protocol, "template " + std::to_string(m.number) + " came before " +
                                           std::to_string(j->templates.size()), {}});
  if (auto fine = check_spec(m.spec); !fine) return refuse(*j, fine.error());
  auto spec = kinds.intern_template(m.spec);
  auto class_index = kinds.spec(spec).class_index;
  auto priority = m.spec.options.priority;
  auto [flow_at, added] = j->flow_by_class.try_emplace(
      {class_index, priority}, static_cast<std::uint32_t>(j->flows.size()));
  if (added) {
    auto& f = *j->flows.emplace_back(std::make_unique<flow>());
    f.class_index = class_index;
    f.priority = priority;
  }
  j->templates.push_back({spec, flow_at->second, class_index});
}

void core::state::take(client_session& s, const protocol::add_tasks& m) {
  auto n = m.tasks.empty() ? m.count : static_cast<std::uint32_t>(m.tasks.size());
  bool overdrawn = n > s.credit;
  auto used = std::min<std::uint64_t>(n, s.credit);
  s.credit -= used;  // sent again or refused, it was sent
  credit_out -= used;
  s.received += n;
  auto* j = job_by_key(s, m.key);
  if (!j) {
    reply_refused(s, m.key, {errc::not_found, "no job was opened with this key", {}});
  } else if (overdrawn) {
    refuse(*j, {errc::overloaded,
                "more tasks were sent than credit was given for: wait for submit_credit (at most " +
                    std::to_string(settings.submit_window) + " at a time, " +
                    std::to_string(settings.max_tasks) + " in all)", {}});
  } else if (!j->refused && !j->abandoned) {
    if (auto fine = accept_tasks(s, *j, m); !fine) refuse(*j, fine.error());
  }
  grant(s);
}

result<void> core::state::accept_tasks(client_session& s, job_record& j, const protocol::add_tasks& m) {
  auto n = m.tasks.empty() ? m.count : static_cast<std::uint32_t>(m.tasks.size());
  auto have = j.tasks.size();
  if (m.position > have)
    return fail(errc::protocol, "tasks from position " + std::to_string(m.position) +
                                    " came after " + std::to_string(have));
  if (std::uint64_t{m.position} + n <= have) return {};  // all of them were sent before
  auto skip = have - m.position;
  if (!j.open && j.closed_for_absence) reopen(j);
  if (!j.open && !j.cancelled)
    return fail(errc::protocol, "tasks came after the job was closed");
  if (m.template_number >= j.templates.size())
    return fail(errc::protocol, "no template " + std::to_string(m.template_number));
  if (std::uint64_t{j.first_index} + m.position + n > UINT32_MAX)
    return fail(errc::too_large, "a job has at most 4,294,967,295 tasks");
  std::uint64_t bytes = 0;
  for (const auto& t : m.tasks) bytes += weight(t.arguments);
  auto room = room_for(bytes);
  if (!room && !j.independent) return room;
  retention_due = retention_due || crowded();
  if (j.settled) kept_with(j).tasks += n - skip;  // cancelled as a whole: they are over at once
  if (m.tasks.empty()) {
    append_plain(j, m.template_number, n - skip, nullptr);
    return {};
  }
  // Runs of tasks without dependencies are queued as ranges, however long.
  auto plain = [&](const protocol::new_task& t) {
    return room && t.inputs.empty() && t.after.empty();
  };
  for (auto i = skip; i < n;) {
    auto end = i;
    while (end < n && plain(m.tasks[end])) ++end;
    if (end > i) {
      append_plain(j, m.template_number, end - i, &m.tasks[i]);
      i = end;
    } else if (auto fine = append_task(s, j, m.template_number, m.tasks[i++]); !fine) {
      return fine;
    }
  }
  return {};
}

result<void> core::state::room_for(std::uint64_t bytes) const {
  if (argument_bytes + bytes <= settings.arguments_memory) return {};
  return fail(errc::overloaded, "arguments of waiting tasks would take more than " +
                                    std::to_string(settings.arguments_memory >> 20) +
                                    " MiB here: submit later, or pass data by file");
}

// Its client was thought to be gone for good, but goes on.
void core::state::reopen(job_record& j) {
  j.open = true;
  j.closed_for_absence = false;
  unsettle(j);
}

// n tasks without dependencies; `tasks` has their arguments and labels, or is null.
void core::state::append_plain(job_record& j, std::uint32_t template_number, std::uint32_t n,
                               const protocol::new_task* tasks) {
  auto begin = j.tasks.size();
  auto state = j.held || j.cancelled ? task_state::waiting : task_state::ready;
  for (std::uint32_t i = 0; i < n; ++i) {
    auto& r = j.tasks.append();
    r.spec = template_number;
    r.state = state;
    if (j.held) r.set(task_flag::held);
    if (!tasks) continue;
    r.payload = tasks[i].arguments;
    argument_bytes += weight(r.payload);
    if (!tasks[i].label.empty()) j.tasks.particulars_of(r).label = tasks[i].label;
  }
  j.counts[static_cast<std::size_t>(state)] += n;
  counts[static_cast<std::size_t>(state)] += n;
  if (!j.forward.empty())
    for (auto i = begin; i < begin + n; ++i) meet_forward(j, i);
  if (j.cancelled) {
    for (auto i = begin; i < begin + n; ++i)
      cancel_task(j, j.tasks[i], j.id_of(i), j.cancel_error);
  } else if (state == task_state::ready) {
    queue_range(j, begin, begin + n);
  }
}

// Puts tasks of one template, which are in state ready, into their queue.
void core::state::queue_range(job_record& j, std::uint32_t begin, std::uint32_t end) {
  ready.add(j, *j.flows[j.templates[j.tasks[begin].spec].flow], begin, end, now);
  newly_ready += end - begin;
  if (quiet(j)) return;
  for (auto i = begin; i < end; ++i)
    tell(protocol::event_kind::task_ready, j.id, j.id_of(i).index, {}, {}, {});
}

result<void> core::state::append_task(client_session& s, job_record& j, std::uint32_t template_number,
                                      const protocol::new_task& t) {
  auto offset = j.tasks.size();
  auto taken = room_for(weight(t.arguments));
  {
    auto& r = j.tasks.append();
    r.spec = template_number;
    if (taken) r.payload = t.arguments;
    argument_bytes += weight(r.payload);
    if (j.held) r.set(task_flag::held);
    if (!t.label.empty()) j.tasks.particulars_of(r).label = t.label;
    ++j.counts[static_cast<std::size_t>(task_state::waiting)];
    ++counts[static_cast<std::size_t>(task_state::waiting)];
  }
  auto id = j.id_of(offset);
  if (!j.forward.empty()) meet_forward(j, offset);
  if (j.cancelled) return cancel_task(j, j.tasks[offset], id, j.cancel_error), result<void>{};
  error_ptr broken;
  auto add = [&](const protocol::task_reference& reference, bool input) {
    auto on = resolve(s, j, reference);
    taken = on ? depend(j, offset, {*on, input}, broken) : tl::unexpected(on.error());
    return taken.has_value();
  };
  if (taken)
    for (const auto& reference : t.inputs)
      if (!add(reference, true)) break;
  if (taken)
    for (const auto& reference : t.after)
      if (!add(reference, false)) break;
  if (!taken && !j.independent) return taken;
  auto& r = j.tasks[offset];
  if (!taken) {
    r.set(task_flag::refused);
    broken = std::make_shared<const failure>(std::move(taken.error()));
  }
  if (broken)
    fail_task(j, r, id, broken);
  else if ((!r.extra || r.extra->unmet == 0) && !j.held)
    make_ready(j, r, id, false);
  return {};
}

void core::state::take(client_session& s, const protocol::close_job& m) {
  auto* j = job_by_key(s, m.key);
  if (!j) return reply_refused(s, m.key, {errc::not_found, "no job was opened with this key", {}});
  if (j->open) close(*j);
}

void core::state::close(job_record& j) {
  j.open = false;
  if (auto fine = check_graph(j); !fine) return refuse(j, fine.error());
  if (j.held) release_hold(j);
  if (j.unended() == 0) maybe_done.push_back(j.id);
}

void core::state::release_hold(job_record& j) {
  j.held = false;
  auto n = j.tasks.size();
  for (std::uint32_t i = 0; i < n;) {
    auto startable = [&](std::uint32_t k) {
      const auto& r = j.tasks[k];
      return r.state == task_state::waiting && (!r.extra || r.extra->unmet == 0);
    };
    auto begin = i;
    while (i < n && startable(i) && j.tasks[i].spec == j.tasks[begin].spec) {
      set_state(j, j.tasks[i], task_state::ready);
      j.tasks[i++].clear(task_flag::held);
    }
    if (i > begin)
      queue_range(j, begin, i);
    else
      j.tasks[i++].clear(task_flag::held);
  }
}

// Nothing of the job runs any more; its client is told why instead of how each task ended.
void core::state::refuse(job_record& j, failure why) {
  if (j.refused || j.done) return;
  j.refused = true;
  j.open = false;
  j.cancel_error = std::make_shared<const failure>(why);
  reply_refused(*j.session, j.key, why);
  cancel(j, {}, why.message);
  j.held = false;
  j.forward.clear();
  for (std::uint32_t i = 0; i < j.tasks.size(); ++i) drop_if_unneeded(j, j.tasks[i]);
  if (j.unended() == 0) maybe_done.push_back(j.id);
}

}  // namespace troupe::scheduler
