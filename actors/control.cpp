#include "actors/control.hpp"

#include <map>

#include "actors/errors.hpp"
#include "actors/json.hpp"
#include "actors/log_reader.hpp"
#include "actors/views.hpp"

namespace troupe::actors {
namespace {

using nlohmann::json;

struct question {
  scheduler_self self;
  client_id client;
  bool admin = false;
  json parameters;

  scheduler_state& state() const { return self->state; }
};

// ---- reading parameters

template <class T>
T get(const question& q, const char* name, T fallback) {
  return parameter<T>(q.parameters, name, std::move(fallback));
}

// A job, or one task of it.
struct target {
  job_id job;
  std::vector<protocol::index_range> tasks;
};

target target_of(const question& q) {
  auto id = get<std::string>(q, "id", "");
  target t;
  if (auto task = parse_task_id(id)) {
    t = {task->job, {{task->index, task->index + 1}}};
  } else if (auto job = parse_job_id(id)) {
    t.job = *job;
  } else {
    throw failure{errc::invalid_argument, "\"" + id + "\" is neither a job (12) nor a task (12.3)",
                  {}};
  }
  if (!q.state().core->job(t.job))
    throw failure{errc::not_found, "there is no job " + std::to_string(t.job.value), {}};
  if (!q.admin)
    if (auto ok = q.state().core->may_touch(q.client, t.job); !ok) throw ok.error();
  return t;
}

task_id task_of(const question& q) {
  auto t = target_of(q);
  if (t.tasks.empty())
    throw failure{errc::invalid_argument,
                  "\"" + get<std::string>(q, "id", "") + "\" is a job; name a task of it, such as " +
                      std::to_string(t.job.value) + ".0",
                  {}};
  return {t.job, t.tasks[0].begin};
}

scheduler::task_view view_of(const question& q, task_id id) {
  scheduler::task_filter filter;
  filter.job = id.job;
  auto job = *q.state().core->job(id.job);
  filter.offset = id.index - job.first_index;
  filter.limit = 1;
  auto rows = q.state().core->tasks(filter, clock::now());
  if (id.index < job.first_index || rows.empty() || rows[0].id != id)
    throw failure{errc::not_found, "job " + std::to_string(id.job.value) + " has no task " +
                                       std::to_string(id.index), {}};
  return rows[0];
}

// ---- answers

// The answer is that it is answered: what was sent before has been taken, or refused.
json sync(const question&) { return json::object(); }

json version(const question& q) {
  return {{"software", q.state().options.software}, {"protocol", protocol::version}};
}

json status(const question& q) { return status_view(q.state()); }

json jobs(const question& q) {
  json rows = json::array();
  auto limit = get<std::size_t>(q, "limit", 100);
  for (const auto& j : q.state().core->jobs()) {
    if (rows.size() == limit) break;
    rows.push_back(job_json(q.state(), j));
  }
  return {{"jobs", std::move(rows)}};
}

json job(const question& q) {
  return job_json(q.state(), *q.state().core->job(target_of(q).job));
}

json tasks(const question& q) {
  scheduler::task_filter filter;
  if (auto id = get<std::string>(q, "job", ""); !id.empty()) {
    filter.job = parse_job_id(id);
    if (!filter.job || !q.state().core->job(*filter.job))
      throw failure{errc::not_found, "there is no job " + id, {}};
  }
  if (auto name = get<std::string>(q, "state", ""); !name.empty()) {
    for (std::size_t i = 0; i < task_state_count; ++i)
      if (to_string(static_cast<task_state>(i)) == name) filter.state = static_cast<task_state>(i);
    if (!filter.state)
      throw failure{errc::invalid_argument,
                    "\"" + name + "\" is no state of a task; they are waiting, ready, assigned, "
                    "running, finished, failed, cancelled", {}};
  }
  filter.offset = get<std::uint64_t>(q, "offset", 0);
  filter.limit = std::min<std::uint64_t>(get<std::uint64_t>(q, "limit", 1000), 10'000);
  json rows = json::array();
  for (const auto& t : q.state().core->tasks(filter, clock::now())) rows.push_back(task_json(t));
  return {{"tasks", std::move(rows)}};
}

json workers(const question& q) { return {{"workers", workers_json(q.state())}}; }
json pools(const question& q) { return {{"pools", pools_json(q.state())}}; }

json why(const question& q) {
  auto id = task_of(q);
  auto row = view_of(q, id);
  auto words = q.state().core->why(id, clock::now());
  if (!words) throw words.error();
  return {{"id", to_string(id)}, {"state", to_string(row.state)}, {"why", *words}};
}

json result_value(const question& q) {
  auto v = q.state().core->result_of(task_of(q));
  if (!v) throw v.error();
  auto b = v->data();
  if (b.size() > max_inline_result)
    throw failure{errc::too_large, "the result has " + std::to_string(b.size()) +
                                       " bytes; wait for it with a client", {}};
  auto* begin = reinterpret_cast<const std::uint8_t*>(b.data());
  return {{"value", json::binary(std::vector<std::uint8_t>(begin, begin + b.size()))}};
}

json cancel(const question& q) {
  auto t = target_of(q);
  auto reason = get<std::string>(q, "reason", "cancelled by request");
  queue_event(q.self, scheduler::from_client{q.client, protocol::cancel{t.job, t.tasks, reason}});
  return {{"cancelled", get<std::string>(q, "id", "")}};
}

json retry(const question& q) {
  auto t = target_of(q);
  queue_event(q.self, scheduler::retry_tasks{q.client, t.job, t.tasks});
  return {{"retried", get<std::string>(q, "id", "")}};
}

json watch(const question& q) {
  auto t = target_of(q);
  queue_event(q.self, scheduler::watch_job{q.client, t.job, get<std::uint64_t>(q, "key", 0),
                                           get<bool>(q, "values", false)});
  return json::object();
}

json drain(const question& q) {
  if (!q.admin) throw failure{errc::forbidden, "only the cluster's owner may drain workers", {}};
  auto wanted = get<std::string>(q, "worker", "");
  auto& s = q.state();
  for (const auto& [id, w] : s.workers) {
    if (w.name != wanted && std::to_string(id) != wanted) continue;
    bool on = get<bool>(q, "on", true);
    auto m = s.managers.find(w.pool);
    if (on && m != s.managers.end() && !w.instance.empty())
      q.self->send(m->second, providers::pool_event{providers::event::drain_requested{worker_id{id}}});
    else
      queue_event(q.self, scheduler::drain_worker{worker_id{id}, on, "asked for"});
    return {{"worker", w.name}, {"state", on ? "draining" : "ready"}};
  }
  throw failure{errc::not_found, "there is no worker \"" + wanted + "\"", {}};
}

json events(const question& q) {
  auto& s = q.state();
  auto c = s.clients.find(q.client.value);
  if (c == s.clients.end())
    throw failure{errc::invalid_argument, "events are sent over a link, as a client", {}};
  c->second.wants_events = true;
  auto from = get<std::uint64_t>(q, "from", 0);
  protocol::events past;
  for (const auto& e : s.events)
    if (e.number >= from) past.items.push_back(e);
  if (!past.items.empty()) q.self->send(c->second.party, outbox{{std::move(past)}});
  return {{"next", s.next_event}};
}

json shutdown(const question& q) {
  if (!q.admin) throw failure{errc::forbidden, "only the cluster's owner may stop it", {}};
  if (!q.state().options.on_shutdown)
    throw failure{errc::invalid_argument,
                  "this cluster belongs to the program that embeds it and ends with it", {}};
  q.state().options.on_shutdown(get<bool>(q, "drain", true));
  return json::object();
}

using answerer = json (*)(const question&);
const std::map<std::string, answerer, std::less<>> answerers = {
    {"version", version}, {"status", status},   {"jobs", jobs},         {"job", job},
    {std::string{protocol::ordered_request}, sync},
    {"tasks", tasks},     {"workers", workers}, {"pools", pools},       {"why", why},
    {"result", result_value}, {"cancel", cancel}, {"retry", retry},     {"watch", watch},
    {"drain", drain},     {"events", events},   {"shutdown", shutdown},
};

// The log reader has its own thread; the scheduler only says where the file is.
caf::result<value> logs_read(const question& q) {
  auto id = task_of(q);
  auto row = view_of(q, id);
  auto stream = get<std::string>(q, "stream", "out");
  if (stream != "out" && stream != "err")
    throw failure{errc::invalid_argument, "stream is \"out\" or \"err\", not \"" + stream + "\"", {}};
  read_log r;
  r.folders = q.state().options.log_folders;
  r.file = std::to_string(id.job.value) + "/" + std::to_string(id.index) + "." + stream;
  r.offset = get<std::uint64_t>(q, "offset", 0);
  r.limit = get<std::uint64_t>(q, "limit", max_log_read);
  r.attempt = get<attempt_number>(q, "attempt", 0);
  if (r.attempt > row.attempt)
    throw failure{errc::not_found,
                  "task " + to_string(id) + " has no attempt " + std::to_string(r.attempt) +
                      (row.attempt == 0 ? ": it has not begun"
                                        : "; its latest is " + std::to_string(row.attempt)),
                  {}};
  r.done = is_terminal(row.state) || (r.attempt != 0 && r.attempt < row.attempt);
  return q.self->delegate(q.state().log_reader, r);
}

bool is_for_autoscaler(const std::string& method) {
  return method == "scale" || method.rfind("autoscaler.", 0) == 0;
}

bool is_for_config(const std::string& method) { return method.rfind("config.", 0) == 0; }

}  // namespace

caf::result<value> answer_control(scheduler_self self, const control_query& q) {
  try {
    if (is_for_autoscaler(q.method)) return self->delegate(self->state.autoscaler, q);
    if (is_for_config(q.method)) return self->delegate(self->state.config, q);
    auto parameters = to_json(q.parameters);
    if (!parameters) return to_error(parameters.error());
    question question{self, q.client, q.admin, std::move(*parameters)};
    if (q.method == "logs.read") return logs_read(question);
    auto a = answerers.find(q.method);
    if (a == answerers.end())
      return to_error({errc::not_found, "there is no request \"" + q.method + "\"", {}});
    return to_value(a->second(question));
  } catch (const failure& f) {
    return to_error(f);
  } catch (const std::exception& e) {
    // One question must not end the scheduler, whatever is wrong with it.
    return to_error({errc::internal, q.method + ": " + e.what(), {}});
  }
}

metrics_ptr metrics_of(const scheduler_state& s) {
  auto m = std::make_shared<metrics_view>();
  m->load = s.core->snapshot(clock::now());
  m->stats = s.core->stats();
  for (const auto& [name, r] : s.pools) m->pools.push_back(r);
  m->functions = s.core->functions();
  m->loop = s.loop;
  m->spilled_bytes = s.spilled_bytes;
  return m;
}

}  // namespace troupe::actors
