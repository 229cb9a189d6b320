#include "bench/simulated_cluster.hpp"

#include <time.h>

#include <algorithm>

namespace troupe::bench {

using namespace scheduler;

namespace {

constexpr std::uint32_t dead = UINT32_MAX;

// Of this thread alone, so that a busy machine doesn't count.
duration thread_time() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
}

// What asking for the time costs, to be taken off.
duration cost_of_asking() {
  static const duration cost = [] {
    constexpr int n = 10'000;
    auto start = thread_time();
    for (int i = 0; i < n; ++i) thread_time();
    return (thread_time() - start) / n;
  }();
  return cost;
}

scheduler::core_settings settings_for(const simulation_settings&) {
  scheduler::core_settings s;
  s.worker_lost_after = std::chrono::hours{100};  // these workers have no heartbeat
  return s;
}

}  // namespace

simulated_cluster::simulated_cluster(simulation_settings s)
    : settings_(s), random_(s.seed), core_(settings_for(s)), machines_(s.workers),
      machine_of_(1, dead), done_(s.workers), reporting_(s.workers), finishes_(s.tasks) {}

void simulated_cluster::feed(event e) {
  actions out;
  auto start = thread_time();
  core_.handle(e, now_, out);
  outcome_.core_time += thread_time() - start - cost_of_asking();
  ++outcome_.events;
  if (settings_.check_every != 0 && outcome_.events % settings_.check_every == 0) {
    core_.check_invariants();
    ++outcome_.checks;
  }
  apply(out);
}

void simulated_cluster::apply(actions& out) {
  for (auto& a : out) {
    if (auto* m = std::get_if<to_worker>(&a)) {
      std::vector<pending> items;
      if (auto* assign = std::get_if<protocol::assign>(&m->message)) {
        items.reserve(assign->items.size());
        for (const auto& t : assign->items) items.push_back({t.task, t.attempt});
        schedule(settings_.latency, what::assign, m->worker.value, std::move(items));
      } else if (auto* recall = std::get_if<protocol::recall>(&m->message)) {
        for (const auto& t : recall->items) items.push_back({t.task, t.attempt});
        schedule(settings_.latency, what::recall, m->worker.value, std::move(items));
      }
    } else if (auto* c = std::get_if<to_client>(&a)) {
      if (auto* r = std::get_if<protocol::results>(&c->message)) outcome_.results += r->items.size();
      if (auto* k = std::get_if<protocol::submit_credit>(&c->message)) credit_ += k->tasks;
      if (std::holds_alternative<protocol::job_finished>(c->message)) over_ = true;
    } else if (auto* w = std::get_if<wake_at>(&a)) {
      wake_ = w->when;
    }
  }
}

void simulated_cluster::schedule(duration after, what kind, std::uint32_t worker,
                                 std::vector<pending> items) {
  happenings_.push({now_ + after, next_order_++, kind, worker, std::move(items)});
}

simulated_cluster::node* simulated_cluster::alive(std::uint32_t worker) {
  auto machine = machine_of_[worker];
  return machine == dead ? nullptr : &machines_[machine];
}

void simulated_cluster::join(std::uint32_t machine) {
  auto id = static_cast<std::uint32_t>(machine_of_.size());
  machine_of_.push_back(machine);
  machines_[machine] = {};
  machines_[machine].id = id;
  done_[machine].clear();
  reporting_[machine] = false;
  protocol::register_worker info;
  info.pool = "p";
  info.incarnation = id;
  info.slots = settings_.slots;
  info.resources.set("cpus", amount{settings_.slots} * one_unit);
  info.functions = {"f"};
  feed(worker_joined{worker_id{id}, info, ""});
}

void simulated_cluster::crash() {
  auto machine = static_cast<std::uint32_t>(random_() % machines_.size());
  auto id = machines_[machine].id;
  machine_of_[id] = dead;
  ++outcome_.crashes;
  feed(worker_died{worker_id{id}, "killed by signal 9", false});
  join(machine);
}

void simulated_cluster::start(node& n) {
  while (n.running < settings_.slots && !n.queue.empty()) {
    ++n.running;
    auto t = n.queue.front();
    n.queue.pop_front();
    schedule(settings_.run_time, what::run_end, n.id, {t});
  }
}

// Ended tasks are reported at once when the link is idle, and together while it is busy.
void simulated_cluster::report(node& n) {
  auto machine = machine_of_[n.id];
  if (reporting_[machine] || done_[machine].empty()) return;
  reporting_[machine] = true;
  schedule(settings_.latency, what::report, n.id, std::move(done_[machine]));
  done_[machine].clear();
}

void simulated_cluster::occur(happening& h) {
  auto* n = alive(h.worker);
  if (!n) return;
  auto machine = machine_of_[h.worker];
  switch (h.kind) {
    case what::assign:
      n->queue.insert(n->queue.end(), h.items.begin(), h.items.end());
      return start(*n);
    case what::recall: {
      protocol::recalled answer;
      for (const auto& t : h.items) {
        auto at = std::find_if(n->queue.begin(), n->queue.end(),
                               [&](const pending& p) { return p.task == t.task; });
        (at == n->queue.end() ? answer.kept : answer.items).push_back({t.task, t.attempt});
        if (at != n->queue.end()) n->queue.erase(at);
      }
      return feed(from_worker{worker_id{h.worker}, std::move(answer)});
    }
    case what::run_end:
      --n->running;
      done_[machine].push_back(h.items.front());
      start(*n);
      return report(*n);
    case what::report: {
      reporting_[machine] = false;
      protocol::finished batch{n->number++, {}};
      batch.items.reserve(h.items.size());
      for (const auto& t : h.items) {
        batch.items.push_back({t.task, t.attempt, protocol::outcome::succeeded,
                               settings_.run_time, {}, {}});
        if (++finishes_[t.task.index] > 1) ++outcome_.run_twice;
      }
      report(*n);
      feed(from_worker{worker_id{h.worker}, std::move(batch)});
      if (settings_.crash_every != 0 && ++reports_ % settings_.crash_every == 0) crash();
      return;
    }
  }
}

void simulated_cluster::submit() {
  while (submitted_ < settings_.tasks && credit_ > 0) {
    auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        {settings_.submit_batch, credit_, settings_.tasks - submitted_}));
    credit_ -= n;
    auto before = outcome_.core_time;
    feed(from_client{client_id{1}, protocol::add_tasks{1, 0, submitted_, n, {}}});
    outcome_.submit_time += outcome_.core_time - before;
    submitted_ += n;
    if (submitted_ == settings_.tasks) feed(from_client{client_id{1}, protocol::close_job{1}});
  }
}

simulation_outcome simulated_cluster::run() {
  auto begin = now_;
  for (std::uint32_t i = 0; i < settings_.workers; ++i) join(i);
  feed(client_joined{client_id{1}, 7, "ann", false});
  feed(from_client{client_id{1}, protocol::open_job{1, "sim", protocol::lifetime::client, true,
                                                    false, 0}});
  task_spec spec;
  spec.function = "f";
  feed(from_client{client_id{1}, protocol::define_template{1, 0, spec}});
  submit();
  while (!over_) {
    bool timer_first = wake_ && (happenings_.empty() || *wake_ <= happenings_.top().when);
    if (!timer_first && happenings_.empty()) break;
    if (timer_first) {
      now_ = std::max(now_, *std::exchange(wake_, std::nullopt));
      feed(tick{});
      continue;
    }
    auto h = happenings_.top();
    happenings_.pop();
    now_ = h.when;
    occur(h);
    submit();
  }
  core_.check_invariants();
  ++outcome_.checks;
  outcome_.makespan = now_ - begin;
  outcome_.stats = core_.stats();
  outcome_.finished = core_.stats().finished;
  outcome_.failed = core_.stats().failed;
  return outcome_;
}

}  // namespace troupe::bench
