#include "tests/libruntime/scheduler/rig.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::scheduler::testing {

task_spec call(std::string function, task_options options) {
  task_spec s;
  s.function = std::move(function);
  s.options = std::move(options);
  return s;
}

protocol::new_task task(std::vector<protocol::task_reference> inputs,
                        std::vector<protocol::task_reference> after, std::string label) {
  protocol::new_task t;
  t.inputs = std::move(inputs);
  t.after = std::move(after);
  t.label = std::move(label);
  return t;
}

protocol::task_reference in_job(job_id job, task_index index) { return {job, 0, index}; }
protocol::task_reference by_key(std::uint64_t key, task_index index) { return {{}, key, index}; }

rig::rig(core_settings settings) : scheduler(settings) { join_client(1, 101); }

void rig::send(event e) {
  actions.clear();
  scheduler.handle(e, now, actions);
  if (check) scheduler.check_invariants();
  for (const auto& a : actions) {
    if (const auto* c = std::get_if<to_client>(&a)) apply(*c);
    if (const auto* w = std::get_if<to_worker>(&a)) apply(*w);
    if (const auto* d = std::get_if<drain_complete>(&a)) drained.push_back(d->worker.value);
    if (const auto* x = std::get_if<worker_lease_expired>(&a)) expired.push_back(x->worker.value);
    if (const auto* s = std::get_if<spill_result>(&a)) spills[s->task] = s->bytes;
    if (const auto* w = std::get_if<wake_at>(&a)) wake = w->when;
    if (const auto* p = std::get_if<publish_events>(&a))
      for (const auto& e : p->items) {
        REQUIRE(e.number == ++last_event_);  // without gaps
        story.push_back(e);
      }
  }
}

void rig::tick(duration d) {
  auto until = now + d;
  scheduler::actions all;
  auto once = [&] {
    send(scheduler::tick{});
    std::move(actions.begin(), actions.end(), std::back_inserter(all));
  };
  while (wake && *wake <= until) {
    now = std::max(now, *std::exchange(wake, std::nullopt));
    once();
  }
  now = until;
  once();
  actions = std::move(all);
}

void rig::join_client(std::uint32_t id, std::uint64_t incarnation, std::string owner, bool admin) {
  credit[id] = 0;
  send(client_joined{client_id{id}, incarnation, std::move(owner), admin});
}

void rig::worker(std::uint32_t id, worker_options options) {
  protocol::register_worker info;
  info.name = "w" + std::to_string(id);
  info.pool = options.pool;
  info.host = "host";
  info.incarnation = options.incarnation == 0 ? id : options.incarnation;
  info.slots = options.slots;
  info.resources = options.resources;
  info.resources.set("cpus", amount{options.slots} * one_unit);
  info.functions = options.functions;
  info.held = options.held;
  options_[id] = options;
  templates_[id].clear();
  send(worker_joined{worker_id{id}, info, "launch-" + std::to_string(id)});
}

void rig::die(std::uint32_t id, std::string reason, bool deliberate) {
  workers.erase(id);
  order.erase(id);
  numbers_.erase(id);
  send(worker_died{worker_id{id}, std::move(reason), deliberate});
}

void rig::disconnect(std::uint32_t id) { send(worker_disconnected{worker_id{id}}); }

client_id rig::client_of(std::uint64_t key) const {
  auto i = client_of_.find(key);
  return client_id{i == client_of_.end() ? 1 : i->second};
}

job_id rig::open(std::uint64_t key, job_options options) {
  client_of_[key] = options.client;
  send(from_client{client_id{options.client},
                   protocol::open_job{key, "job", options.lifetime, options.want_results,
                                      options.hold, options.first_index, options.independent}});
  return jobs[key];
}

void rig::define(std::uint64_t key, std::uint32_t number, task_spec spec) {
  send(from_client{client_of(key), protocol::define_template{key, number, std::move(spec)}});
}

void rig::add(std::uint64_t key, std::uint32_t count, std::uint32_t number) {
  auto position = std::exchange(sent_[key], sent_[key] + count);
  send(from_client{client_of(key), protocol::add_tasks{key, number, position, count, {}}});
}

void rig::add(std::uint64_t key, std::vector<protocol::new_task> tasks, std::uint32_t number) {
  auto n = static_cast<std::uint32_t>(tasks.size());
  auto position = std::exchange(sent_[key], sent_[key] + n);
  send(from_client{client_of(key),
                   protocol::add_tasks{key, number, position, 0, std::move(tasks)}});
}

void rig::close(std::uint64_t key) {
  send(from_client{client_of(key), protocol::close_job{key}});
}

job_id rig::map(std::string function, std::uint32_t count, task_options options, job_options job) {
  auto key = next_key_++;
  auto id = open(key, job);
  define(key, 0, call(std::move(function), std::move(options)));
  add(key, count);
  close(key);
  return id;
}

void rig::cancel(job_id job, std::vector<protocol::index_range> tasks, std::string reason) {
  send(from_client{client_id{1}, protocol::cancel{job, std::move(tasks), std::move(reason)}});
}

void rig::release(job_id job, task_index begin, task_index end) {
  send(from_client{client_id{1}, protocol::release_results{job, {{begin, end}}}});
}

// ---- workers ------------------------------------------------------------------------------------

void rig::report(std::uint32_t worker, task_id t, protocol::finished_task what) {
  REQUIRE(worker != 0);
  what.task = t;
  what.attempt = workers[worker].at(t).attempt;
  workers[worker].erase(t);
  std::erase(order[worker], t);
  auto before = acked[worker];
  send(from_worker{worker_id{worker}, protocol::finished{++numbers_[worker], {std::move(what)}}});
  // An acknowledgement that is sent is of everything; one that waits is of fewer than eight.
  if (acked[worker] != numbers_[worker]) {
    CHECK(acked[worker] == before);
    CHECK(acked[worker] + 8 > numbers_[worker]);
  }
}

void rig::finish(task_id t, value result, duration run_time) {
  report(holder(t), t, {t, 0, protocol::outcome::succeeded, run_time, std::move(result), {}});
}

void rig::finish_all(std::uint32_t worker, duration run_time) {
  protocol::finished batch{++numbers_[worker], {}};
  for (auto t : std::exchange(order[worker], {}))
    batch.items.push_back({t, workers[worker].at(t).attempt, protocol::outcome::succeeded, run_time,
                           value::of(t.index), {}});
  workers[worker].clear();
  send(from_worker{worker_id{worker}, std::move(batch)});
}

void rig::fail(task_id t, std::string message, errc code) {
  report(holder(t), t,
         {t, 0, protocol::outcome::failed, milliseconds{1}, {}, failure{code, std::move(message), {}}});
}

void rig::ended_cancelled(task_id t) {
  report(holder(t), t, {t, 0, protocol::outcome::cancelled, milliseconds{1}, {}, {}});
}

void rig::started(task_id t) {
  auto w = holder(t);
  REQUIRE(w != 0);
  send(from_worker{worker_id{w}, protocol::started{{{t, workers[w].at(t).attempt}}}});
}

void rig::give_back(std::uint32_t worker) {
  protocol::recalled answer;
  const auto window = order[worker];
  for (std::size_t i = 0; i < window.size(); ++i) {
    auto& h = workers[worker].at(window[i]);
    if (!std::exchange(h.recalled, false)) continue;
    bool runs = i < options_[worker].slots;
    (runs ? answer.kept : answer.items).push_back({window[i], h.attempt});
    if (runs) continue;
    std::erase(order[worker], window[i]);
    workers[worker].erase(window[i]);
  }
  send(from_worker{worker_id{worker}, std::move(answer)});
}

void rig::run_everything(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    std::vector<std::uint32_t> busy;
    for (const auto& [id, tasks] : workers)
      if (!tasks.empty()) busy.push_back(id);
    if (busy.empty()) return;
    for (auto id : busy) finish_all(id);
  }
  FAIL("work never ends");
}

void rig::apply(const to_client& a) {
  auto id = a.client.value;
  std::visit(
      [&](const auto& m) {
        using message = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<message, protocol::job_opened>) {
          jobs[m.key] = m.job;
        } else if constexpr (std::is_same_v<message, protocol::job_refused>) {
          refused[m.key] = m.why;
        } else if constexpr (std::is_same_v<message, protocol::submit_credit>) {
          credit[id] += m.tasks;
          received[id] = m.received;
        } else if constexpr (std::is_same_v<message, protocol::results>) {
          auto& h = clients[{id, m.key}];
          ++h.messages;
          h.items += m.items.size();
          for (const auto& item : m.items) h.results[item.index] = item;
        } else {
          clients[{id, m.key}].end = m;
        }
      },
      a.message);
}

void rig::apply(const to_worker& a) {
  auto id = a.worker.value;
  std::visit(
      [&](const auto& m) {
        using message = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<message, protocol::worker_template>) {
          templates_[id][m.id] = m.spec;
        } else if constexpr (std::is_same_v<message, protocol::assign>) {
          for (const auto& item : m.items) {
            REQUIRE(templates_[id].contains(item.spec));
            for (const auto& [other, tasks] : workers) {
              INFO("task " << to_string(item.task) << " is on worker " << other << " already");
              bool twice = tasks.contains(item.task) && tasks.at(item.task).attempt == item.attempt;
              REQUIRE(!twice);
            }
            workers[id][item.task] = {item.attempt, item.exclusive, item.arguments, item.inputs,
                                      templates_[id][item.spec].function};
            order[id].push_back(item.task);
            ran.insert(item.task);
          }
        } else if constexpr (std::is_same_v<message, protocol::recall>) {
          for (const auto& item : m.items)
            if (workers[id].contains(item.task)) workers[id][item.task].recalled = true;
        } else if constexpr (std::is_same_v<message, protocol::cancel_attempts>) {
          for (const auto& item : m.items)
            if (workers[id].contains(item.task)) workers[id][item.task].cancelling = true;
        } else if constexpr (std::is_same_v<message, protocol::ack>) {
          acked[id] = m.number;
        }
      },
      a.message);
}

// ---- what is so ---------------------------------------------------------------------------------

std::uint32_t rig::holder(task_id t) const {
  for (const auto& [id, tasks] : workers)
    if (tasks.contains(t)) return id;
  return 0;
}

std::vector<task_index> rig::window(std::uint32_t worker) const {
  std::vector<task_index> out;
  if (order.contains(worker))
    for (auto t : order.at(worker)) out.push_back(t.index);
  return out;
}

std::size_t rig::held_by(std::uint32_t worker) const {
  auto i = workers.find(worker);
  return i == workers.end() ? 0 : i->second.size();
}

task_state rig::state(task_id t) const {
  auto rows = scheduler.tasks({t.job, {}, 0, UINT32_MAX}, now);
  for (const auto& row : rows)
    if (row.id == t) return row.state;
  FAIL("no task " << to_string(t));
  return {};
}

std::string rig::why(task_id t) const {
  auto text = scheduler.why(t, now);
  return text ? *text : to_string(text.error());
}

std::uint64_t rig::count(task_state s) const {
  return scheduler.snapshot(now).tasks[static_cast<std::size_t>(s)];
}

const heard& rig::client(std::uint64_t key, std::uint32_t client) const {
  static const heard nothing;
  auto i = clients.find({client, key});
  return i == clients.end() ? nothing : i->second;
}

bool rig::told(protocol::event_kind kind, const std::string& part) const {
  return std::any_of(story.begin(), story.end(), [&](const auto& e) {
    return e.kind == kind && e.text.find(part) != std::string::npos;
  });
}

}  // namespace troupe::scheduler::testing
