// Seeded chaos: clients submit graphs, cancel, retry and vanish; workers crash, lose their links,
// come back, are drained; messages cross each other. Every invariant is checked after every event,
// and in the end, when calm returns, every task must have ended and every client must know it.
#include <cstdlib>
#include <set>

#include "libruntime/scheduler/core.hpp"
#include "tests/libruntime/scheduler/pretend_worker.hpp"
#include "tests/support/catch.hpp"

namespace troupe::scheduler::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

core_settings small_settings() {
  core_settings s;
  s.client_grace = seconds{3};
  s.worker_lost_after = seconds{2};
  s.worker_lease = seconds{5};
  s.retention_time = seconds{60};
  s.retention_jobs = 30;
  s.max_tasks = 600;
  s.submit_window = 150;
  s.results_memory = 20'000;
  s.prefetch_max = 8;
  return s;
}

struct pretend_job {
  job_id id;
  std::uint32_t sent = 0;
  bool closed = false, refused = false, ended = false;
  std::set<task_index> outcomes;
};

struct pretend_client {
  std::uint32_t link = 0;  // 0: gone
  std::uint64_t incarnation = 0;
  std::uint64_t credit = 0;
  std::uint64_t next_key = 1;
  std::map<std::uint64_t, pretend_job> jobs;
};

class chaos {
 public:
  explicit chaos(std::uint64_t seed) : random_(seed), core_(small_settings()) {
    for (std::uint64_t i = 0; i < 3; ++i) {
      clients_.push_back({});
      clients_.back().incarnation = i + 1;
    }
    join_worker();
  }

  void step() {
    now_ += milliseconds{pick(20)};
    switch (pick(40)) {
      case 0: return join_worker();
      case 1: return kill_worker();
      case 2: return break_link();
      case 3: case 4: return mend_link();
      case 5: return send(cordon_worker{some_worker(), pick(2) == 0});
      case 6: return send(drain_worker{some_worker(), pick(3) != 0, "scale-in"});
      case 7: return client_comes_or_goes();
      case 8: return cancel();
      case 9: return retry_or_watch();
      case 10: case 11: case 12: return submit(false);
      case 13: return release();
      case 14: return spilled();
      case 15: return send(tick{});
      case 16: now_ += milliseconds{pick(1500)}; return heartbeats();
      default: return work();
    }
  }

  void calm_down() {
    for (auto& c : clients_) {
      if (c.link == 0) come(c);
      for (auto& [key, j] : c.jobs)
        if (!j.closed && !j.refused) say(c, protocol::close_job{key}), j.closed = true;
    }
    for (int round = 0; round < 3000; ++round) {
      now_ += milliseconds{50};
      std::vector<worker_id> all;  // one may be given up meanwhile
      for (const auto& [id, w] : workers_) all.push_back(id);
      for (auto id : all) {
        if (auto w = workers_.find(id); w != workers_.end() && !w->second.connected) mend(w->second);
        send(cordon_worker{id, false});
        send(drain_worker{id, false, ""});
      }
      if (round % 500 == 0) join_worker(4);
      failing_ = 0;
      for (int i = 0; i < 10; ++i) work();
      heartbeats();
      if (over()) return;
    }
  }

  bool over() const {
    auto s = core_.snapshot(now_);
    return s.tasks[0] + s.tasks[1] + s.tasks[2] + s.tasks[3] == 0;
  }
  void check_end() {
    for (const auto& row : core_.tasks({{}, {}, 0, 1000}, now_))
      if (!is_terminal(row.state))
        FAIL("task " << to_string(row.id) << " is " << to_string(row.state) << ": " << row.why);
    for (const auto& c : clients_)
      for (const auto& [key, j] : c.jobs) {
        if (j.refused || !core_.job(j.id)) continue;
        INFO("client " << c.incarnation << ", job " << j.id.value);
        CHECK(j.ended);
        CHECK(j.outcomes.size() == j.sent);
      }
  }
  std::uint64_t ran() const { return ran_; }
  std::string fate() const {
    const auto& s = core_.stats();
    return std::to_string(s.finished) + " finished, " + std::to_string(s.failed) + " failed, " +
           std::to_string(s.cancelled) + " cancelled, " + std::to_string(s.retried) + " retried, " +
           std::to_string(s.recalled) + " recalled, " + std::to_string(s.charged) + " charged, " +
           std::to_string(s.stale) + " stale";
  }

 private:
  std::uint64_t pick(std::uint64_t n) { return random_() % n; }

  void send(event e) {
    actions out;
    core_.handle(e, now_, out);
    core_.check_invariants();
    for (auto& a : out) apply(a);
  }
  void apply(action& a) {
    if (auto* m = std::get_if<to_worker>(&a)) {
      auto w = workers_.find(m->worker);
      if (w != workers_.end() && w->second.connected) w->second.inbox.push_back(std::move(m->message));
    } else if (auto* c = std::get_if<to_client>(&a)) {
      for (auto& client : clients_)
        if (client.link == c->client.value && client.link != 0) hear(client, c->message);
    } else if (auto* x = std::get_if<worker_lease_expired>(&a)) {
      workers_.erase(x->worker);
    } else if (auto* d = std::get_if<drain_complete>(&a)) {
      drained_.push_back(d->worker);
    } else if (auto* s = std::get_if<spill_result>(&a)) {
      spills_.push_back(*s);
    }
  }
  void hear(pretend_client& c, const decltype(to_client::message)& message) {
    if (auto* m = std::get_if<protocol::job_opened>(&message)) {
      c.jobs[m->key].id = m->job;
      c.jobs[m->key].refused = false;
    } else if (auto* r = std::get_if<protocol::job_refused>(&message)) {
      c.jobs[r->key].refused = true;
    } else if (auto* k = std::get_if<protocol::submit_credit>(&message)) {
      c.credit += k->tasks;
    } else if (auto* s = std::get_if<protocol::results>(&message)) {
      if (c.jobs.contains(s->key))
        for (const auto& item : s->items) c.jobs[s->key].outcomes.insert(item.index);
    } else if (auto* f = std::get_if<protocol::job_finished>(&message)) {
      if (c.jobs.contains(f->key)) c.jobs[f->key].ended = true;
    }
  }
  template <class M>
  void say(pretend_client& c, M m) {
    if (c.link != 0) send(from_client{client_id{c.link}, std::move(m)});
  }

  // ---- workers
  void join_worker(std::uint32_t slots = 0) {
    if (slots == 0 && workers_.size() >= 6) return;
    auto id = worker_id{next_worker_++};
    protocol::register_worker info;
    info.name = "w" + std::to_string(id.value);
    info.pool = slots != 0 || pick(2) == 0 ? "a" : "b";
    info.incarnation = id.value + 100;
    info.slots = slots != 0 ? slots : 1 + static_cast<std::uint32_t>(pick(4));
    info.resources.set("cpus", amount{info.slots} * one_unit);
    if (slots != 0 || pick(2) == 0) info.resources.set("GPU", one_unit);
    info.functions = {"f", "g"};
    auto [at, added] = workers_.try_emplace(id, id, info);
    at->second.connect();
    send(worker_joined{id, at->second.registration(), ""});
  }
  worker_id some_worker() {
    if (workers_.empty()) return worker_id{1};
    auto i = workers_.begin();
    std::advance(i, static_cast<std::ptrdiff_t>(pick(workers_.size())));
    return i->first;
  }
  void kill_worker() {
    if (!drained_.empty()) {  // those that may be stopped are
      auto id = drained_.back();
      drained_.pop_back();
      auto w = workers_.find(id);
      if (w == workers_.end() || !w->second.tasks().empty()) return;
      workers_.erase(id);
      return send(worker_died{id, "stopped", true});
    }
    if (pick(3) != 0) return;
    auto id = some_worker();
    workers_.erase(id);
    send(worker_died{id, "killed by signal 9", pick(4) == 0});
  }
  void break_link() {
    auto w = workers_.find(some_worker());
    if (w == workers_.end() || !w->second.connected) return;
    w->second.disconnect();
    send(worker_disconnected{w->first});
  }
  void mend_link() {
    auto w = workers_.find(some_worker());
    if (w != workers_.end() && !w->second.connected) mend(w->second);
  }
  void mend(pretend_worker& w) {
    auto info = w.registration();
    w.connect();
    send(worker_joined{w.id(), info, ""});
  }
  void work() {
    auto at = workers_.find(some_worker());
    if (at == workers_.end()) return;
    auto& w = at->second;
    for (auto n = pick(4); n > 0 && !w.inbox.empty(); --n) w.receive();
    w.run(random_);
    for (auto n = pick(4); n > 0; --n) w.end_one(random_, failing_);
    auto id = at->first;
    for (auto n = pick(4); n > 0; --n) {
      auto again = workers_.find(id);
      if (again == workers_.end() || again->second.outbox.empty() || !again->second.connected) return;
      auto m = std::move(again->second.outbox.front());
      again->second.outbox.pop_front();
      if (std::holds_alternative<protocol::finished>(m)) ++ran_;
      send(from_worker{id, std::move(m)});
    }
  }
  void heartbeats() {
    std::vector<worker_id> alive;
    for (const auto& [id, w] : workers_)
      if (w.connected) alive.push_back(id);
    for (auto id : alive)
      if (workers_.contains(id)) send(from_worker{id, protocol::heartbeat{}});
  }

  // ---- clients
  void come(pretend_client& c) {
    c.link = next_link_++;
    c.credit = 0;
    for (auto& [key, j] : c.jobs) j.refused = true;  // what is known there is said again
    send(client_joined{client_id{c.link}, c.incarnation, "ann", false});
  }
  void client_comes_or_goes() {
    auto& c = clients_[pick(clients_.size())];
    if (c.link == 0) return come(c);
    if (pick(4) != 0) return;
    auto link = std::exchange(c.link, 0);
    send(client_left{client_id{link}});
  }
  task_options some_options() {
    task_options o;
    o.priority = static_cast<std::int32_t>(pick(3)) - 1;
    o.retries = static_cast<std::uint16_t>(pick(3));
    o.retry_delay = milliseconds{pick(2) * 100};
    if (pick(4) == 0) o.resources = resource_set{{"cpus", 2}};
    if (pick(6) == 0) o.resources = resource_set{{"cpus", 0.5}, {"GPU", 0.5}};
    if (pick(6) == 0) o.pool = "a";
    if (pick(4) == 0) o.run_when = run_condition::always;
    return o;
  }
  void submit(bool) {
    auto& c = clients_[pick(clients_.size())];
    if (c.link == 0) {
      if (pick(3) == 0) come(c);
      return;
    }
    if (!c.jobs.empty() && pick(2) == 0) return more(c);
    auto key = c.next_key++;
    protocol::open_job open{key, "j", pick(3) == 0 ? protocol::lifetime::detached
                                                   : protocol::lifetime::client,
                            true, pick(3) == 0, static_cast<task_index>(pick(2) * 7)};
    c.jobs[key];
    say(c, open);
    for (std::uint32_t i = 0; i < 2; ++i) {
      task_spec spec;
      spec.function = pick(2) == 0 ? "f" : "g";
      spec.options = some_options();
      say(c, protocol::define_template{key, i, spec});
    }
    more(c);
  }
  void more(pretend_client& c) {
    auto at = c.jobs.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(pick(c.jobs.size())));
    auto& [key, j] = *at;
    if (j.closed || j.refused || !core_.job(j.id)) return;
    auto n = 1 + static_cast<std::uint32_t>(pick(15));
    if (n > c.credit) return;
    protocol::add_tasks add{key, static_cast<std::uint32_t>(pick(2)), j.sent, n, {}};
    auto first = first_index(j);
    if (pick(2) == 0) {
      add.count = 0;
      for (std::uint32_t i = 0; i < n; ++i) {
        protocol::new_task t;
        t.arguments = value::of(i);
        for (auto d = pick(3); d > 0 && j.sent + i > 0; --d) {
          auto index = first + static_cast<task_index>(pick(j.sent + i));
          if (pick(12) == 0) index = first + j.sent + i + 1 + static_cast<task_index>(pick(4));
          auto reference = protocol::task_reference{pick(2) == 0 ? j.id : job_id{}, key, index};
          (pick(2) == 0 ? t.inputs : t.after).push_back(reference);
        }
        add.tasks.push_back(std::move(t));
      }
    }
    c.credit -= n;
    j.sent += n;
    say(c, add);
    if (pick(10) == 0) say(c, add);  // sent twice; it may cost credit twice
    if (pick(2) == 0) {
      say(c, protocol::close_job{key});
      j.closed = true;
    }
  }
  task_index first_index(const pretend_job& j) const {
    auto rows = core_.tasks({j.id, {}, 0, 1}, now_);
    return rows.empty() ? 0 : rows[0].id.index;
  }
  std::pair<pretend_client*, pretend_job*> some_job() {
    auto& c = clients_[pick(clients_.size())];
    if (c.link == 0 || c.jobs.empty()) return {};
    auto at = c.jobs.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(pick(c.jobs.size())));
    return {&c, &at->second};
  }
  void cancel() {
    auto [c, j] = some_job();
    if (!c) return;
    std::vector<protocol::index_range> ranges;
    if (pick(3) != 0) {
      auto begin = static_cast<task_index>(pick(20));
      ranges.push_back({begin, begin + static_cast<task_index>(pick(5))});
    } else if (pick(3) != 0) {
      return;
    }
    say(*c, protocol::cancel{j->id, ranges, pick(2) == 0 ? "enough" : ""});
  }
  void retry_or_watch() {
    auto [c, j] = some_job();
    if (!c) return;
    if (pick(2) == 0) return send(watch_job{client_id{c->link}, j->id, 1'000'000, pick(2) == 0});
    send(retry_tasks{client_id{c->link}, j->id, {}});
  }
  void release() {
    auto [c, j] = some_job();
    if (!c) return;
    auto begin = static_cast<task_index>(pick(20));
    for (auto i = begin; i < begin + 3; ++i) j->outcomes.insert(i);  // it doesn't ask again
    std::erase_if(j->outcomes, [&, j = j](task_index i) {
      return i >= begin && (i < first_index(*j) || i >= first_index(*j) + j->sent);
    });
    say(*c, protocol::release_results{j->id, {{begin, begin + 3}}});
  }
  void spilled() {
    if (spills_.empty()) return;
    auto s = spills_.back();
    spills_.pop_back();
    send(result_spilled{s.task, value::wrap(s.bytes.data(), [keep = s.bytes] {})});
  }

  std::mt19937_64 random_;
  core core_;
  time_point now_{seconds{1000}};
  std::map<worker_id, pretend_worker> workers_;
  std::vector<pretend_client> clients_;
  std::vector<worker_id> drained_;
  std::vector<spill_result> spills_;
  std::uint32_t next_worker_ = 1, next_link_ = 1;
  std::uint64_t ran_ = 0;
  double failing_ = 0.1;
};

// More seeds on demand: TROUPE_SEEDS=10000 build/dev/bin/test_scheduler "chaos*"
std::uint64_t seeds() {
  const char* text = std::getenv("TROUPE_SEEDS");
  return text ? std::strtoull(text, nullptr, 10) : 40;
}
std::uint64_t first_seed() {
  const char* text = std::getenv("TROUPE_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 1;
}

}  // namespace

TEST_CASE("chaos: whatever happens, the invariants hold and every task ends") {
  std::uint64_t ran = 0;
  for (auto seed = first_seed(); seed < first_seed() + seeds(); ++seed) {
    INFO("seed " << seed);
    chaos c{seed};
    for (int i = 0; i < 600; ++i) {
      INFO("step " << i);
      c.step();
    }
    c.calm_down();
    c.check_end();
    ran += c.ran();
    if (seeds() == 1) WARN(c.fate());
  }
  CHECK(ran > 0);
}

}  // namespace troupe::scheduler::testing
