#include "autoscaler/simulator/simulation.hpp"

#include <algorithm>
#include <utility>

#include "autoscaler/simulator/bounds.hpp"

namespace troupe::simulator {

namespace {

scheduler::core_settings core_settings_of(const cluster_settings& cluster) {
  scheduler::core_settings s;
  s.default_duration = cluster.scheduler.default_duration;
  s.crash_limit = cluster.scheduler.crash_limit;
  // Pretend workers have no heartbeat, and the clients no bounds: loads are what is to be seen.
  s.worker_lost_after = s.worker_lease = std::chrono::hours{24 * 365 * 100};
  s.max_tasks = UINT64_MAX / 4;
  s.submit_window = UINT32_MAX / 2;
  s.retention_jobs = 0;
  s.retention_tasks = s.retention_tasks_seen = 0;
  s.spread = std::any_of(cluster.pools.begin(), cluster.pools.end(), [](const auto& p) {
    return p.placement == placement_policy::spread;
  });
  return s;
}

}  // namespace

simulation::simulation(simulation_settings settings, std::unique_ptr<load> what,
                       std::unique_ptr<scaling_policy> policy)
    : settings_(std::move(settings)),
      work_(std::move(what)),
      core_(core_settings_of(settings_.cluster)),
      policy_(std::move(policy)),
      meter_(start, settings_.sample_interval, settings_.most_samples) {
  for (auto& p : settings_.cluster.pools) p.worker.slots = std::max(1u, p.worker.slots);
  settings_.worlds.resize(settings_.cluster.pools.size());
  for (std::size_t i = 0; i < settings_.cluster.pools.size(); ++i) make_pool(i);
  announce_pools();
  work_.on_first_start = [this](duration wait) { meter_.task_started(wait); };
  feed(work_.hello());
}

simulation::~simulation() = default;

void simulation::make_pool(std::size_t index) {
  const auto& p = settings_.cluster.pools[index];
  auto made = std::make_unique<pool>();
  made->resources = autoscaler::policy_of(p, 1).worker;
  provider_events heard;
  heard.answered = [this, index](auto n, bool ok) { pools_[index]->manager->answered(n, ok); };
  heard.booted = [this, index](auto n) { booted(index, n); };
  heard.preempted = [this, index](auto n) { pools_[index]->manager->preempted(n); };
  heard.died = [this, index](auto n) { died(index, n); };
  heard.ended = [this, index](auto n) { pools_[index]->manager->ended(n); };
  made->provider = std::make_unique<simulator::provider>(settings_.worlds[index], settings_.seed,
                                                         p.name, time_, std::move(heard));
  manager_events told;
  told.drain = [this](worker_id w, bool on) {
    fleet_.set_draining(w, on);
    feed(scheduler::drain_worker{w, on, on ? "not needed" : "wanted again"});
  };
  told.over = [this, index](worker_id w, bool deliberate) {
    fleet_.kill(w);
    std::erase_if(pools_[index]->workers, [&](const auto& entry) { return entry.second == w; });
    pool_of_.erase(w);
    feed(scheduler::worker_died{w, "its instance has ended", deliberate});
  };
  told.changed = [this] { hurry(); };
  made->manager = std::make_unique<simulator::manager>(p, settings_.seed, time_, *made->provider,
                                                       std::move(told));
  pools_.push_back(std::move(made));
}

void simulation::announce_pools() {
  scheduler::pools_changed e;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const auto& p = settings_.cluster.pools[i];
    scheduler::pool_offer o;
    o.name = p.name;
    o.enabled = !p.max || *p.max > 0;
    o.worker_resources = pools_[i]->resources;
    o.max_workers = p.max.value_or(UINT32_MAX);
    e.pools.push_back(std::move(o));
  }
  feed(std::move(e));
}

// ---- workers ----------------------------------------------------------------------------------

void simulation::booted(std::size_t index, launch_number n) {
  auto& p = *pools_[index];
  const worker_id id{++last_worker_};
  if (!p.manager->registered(n, id)) return;
  p.workers[n] = id;
  pool_of_[id] = index;
  fleet_.join(id, index, p.resources);
  protocol::register_worker info;
  info.pool = settings_.cluster.pools[index].name;
  info.incarnation = id.value;
  info.slots = settings_.cluster.pools[index].worker.slots;
  info.resources = p.resources;
  feed(scheduler::worker_joined{id, std::move(info), {}});
}

// Its link is gone at once; that it is over is known when the manager has heard of it.
void simulation::died(std::size_t index, launch_number n) {
  auto at = pools_[index]->workers.find(n);
  if (at == pools_[index]->workers.end()) return;
  fleet_.kill(at->second);
  feed(scheduler::worker_disconnected{at->second});
  pools_[index]->manager->link_lost(at->second);
}

std::size_t simulation::pool_of(worker_id w) const {
  auto at = pool_of_.find(w);
  return at == pool_of_.end() ? pools_.size() : at->second;
}

// ---- the scheduler ----------------------------------------------------------------------------

void simulation::feed(scheduler::event e) {
  inbox_.push_back(std::move(e));
  pump();
}

void simulation::pump() {
  if (std::exchange(pumping_, true)) return;
  scheduler::actions out;
  while (!inbox_.empty()) {
    auto batch = std::exchange(inbox_, {});
    out.clear();
    core_.handle(batch, time_.now(), out);
    for (auto& a : out) perform(a);
    work_.tidy(inbox_);
  }
  pumping_ = false;
}

void simulation::perform(scheduler::action& a) {
  if (auto* w = std::get_if<scheduler::to_worker>(&a)) {
    fleet_.take(*w, time_.now(), inbox_);
  } else if (auto* c = std::get_if<scheduler::to_client>(&a)) {
    work_.take(*c, time_.now());
  } else if (auto* d = std::get_if<scheduler::drain_complete>(&a)) {
    if (const auto p = pool_of(d->worker); p < pools_.size())
      pools_[p]->manager->drained(d->worker);
  } else if (std::holds_alternative<scheduler::demand_unmet>(a)) {
    hurry();
  } else if (auto* w = std::get_if<scheduler::wake_at>(&a)) {
    wake_ = w->when;
  }
}

// ---- decisions --------------------------------------------------------------------------------

void simulation::hurry() {
  const auto reaction = policy_->reaction_time();
  if (!reaction) return;
  next_decision_ = std::min(next_decision_, std::max(time_.now(), last_decision_ + *reaction));
}

void simulation::decide() {
  const auto now = time_.now();
  const auto load = core_.snapshot(now);
  std::vector<autoscaler::pool_status> statuses;
  for (const auto& p : pools_) statuses.push_back(p->manager->status());
  last_decision_ = now;
  next_decision_ = now + policy_->interval();
  ++decisions_;
  const auto orders = policy_->decide(now, load, statuses);
  if (on_decision) on_decision({now, load, statuses, orders});
  bool steady = true;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const auto& s = statuses[i];
    const auto size = s.registered + s.launching();
    steady = steady && orders[i].target == size && orders[i].drain.empty();
    watch_direction(*pools_[i], orders[i].target, size);
    pools_[i]->manager->set(orders[i]);
  }
  plan_next_decision(steady);
}

void simulation::plan_next_decision(bool steady) {
  const auto until = policy_->steady_until();
  if (!settings_.skip_quiet || !steady || until <= next_decision_) return;
  // On the beat of the intervals, as if none were left out.
  const auto longest = std::min(until - last_decision_, duration{std::chrono::hours{24}});
  const auto beats = (longest + policy_->interval() - duration{1}) / policy_->interval();
  const auto planned = last_decision_ + beats * policy_->interval();
  if (next_decision_ == last_decision_ + policy_->interval()) next_decision_ = planned;
}

// Something happens before the next decision that was planned. The last one that was left out until
// then is made after all: nothing had happened, so it changes nothing, but what it remembers counts.
// The next follows at its interval.
void simulation::make_up_for_skipped(time_point event) {
  const auto interval = policy_->interval();
  if (event > next_decision_ || next_decision_ <= last_decision_ + interval) return;
  const auto beats = (event - last_decision_ - duration{1}) / interval;
  if (beats >= 1) {
    const auto at = last_decision_ + beats * interval;
    meter_.advance(at, look());
    time_.advance(at);
    decide();
  }
  next_decision_ = std::min(next_decision_, last_decision_ + interval);
}

void simulation::watch_direction(pool& p, std::uint32_t target, std::uint32_t size) {
  const int direction = target > size ? 1 : target < size ? -1 : 0;
  if (direction == 0) return;
  if (p.last_direction == -direction) ++reversals_;
  p.last_direction = direction;
}

// ---- the clock --------------------------------------------------------------------------------

std::optional<time_point> simulation::next_event() const {
  auto next = time_.next();
  auto consider = [&](std::optional<time_point> t) {
    if (t && (!next || *t < *next)) next = t;
  };
  consider(fleet_.next_end());
  consider(wake_);
  if (auto d = work_.next_at()) consider(start + *d);
  return next;
}

void simulation::happen() {
  const auto now = time_.now();
  if (wake_ && *wake_ <= now) {
    wake_.reset();
    feed(scheduler::tick{});
  }
  while (fleet_.next_end() && *fleet_.next_end() <= now) {
    if (const auto ended = fleet_.end_next(now, inbox_))
      policy_->task_ended(ended->function, ended->run_time);
    pump();
  }
  while (work_.next_at() && start + *work_.next_at() <= now) {
    work_.submit(now, inbox_);
    pump();
  }
  while (time_.next() && *time_.next() <= now) time_.run_next();
}

gauges simulation::look() const {
  gauges g;
  g.waiting = work_.counts().waiting;
  g.running = work_.counts().running;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const auto& m = *pools_[i]->manager;
    const auto busy = fleet_.busy(i);
    const auto registered = m.count(launch_phase::registered);
    g.starting += m.count(launch_phase::requested) + m.count(launch_phase::booting);
    g.busy += std::min(busy, registered);
    g.idle += registered - std::min(busy, registered);
    g.leaving += m.count(launch_phase::draining) + m.count(launch_phase::terminating);
    const auto alive = pools_[i]->provider->alive();
    g.billed += alive;
    g.billed_cpus += alive * static_cast<double>(pools_[i]->resources.get("cpus")) / one_unit;
    g.cost_per_hour += alive * settings_.cluster.pools[i].cost_per_hour;
  }
  g.busy_workers = fleet_.busy_workers();
  g.busy_cpus = fleet_.busy_cpus();
  return g;
}

bool simulation::finished() const {
  if (!work_.over()) return false;
  if (time_.now() - std::max(work_.last_end(), start) >= settings_.cool_down) return true;
  for (std::size_t i = 0; i < pools_.size(); ++i)
    if (pools_[i]->provider->alive() > policy_->floor(settings_.cluster.pools[i])) return false;
  return true;
}

// Nothing will be submitted, and the tasks that there are get nowhere: machines that come and go
// and tasks that begin again are no progress. The longest task must have had the time to end.
bool simulation::is_stuck() const {
  if (time_.now() - start > longest_run) return true;
  if (work_.next_at() || work_.counts().unended() == 0) return false;
  const auto since = time_.now() - std::max(work_.last_progress(), start);
  return since > settings_.stuck_after + 2 * work_.longest_task();
}

outcome simulation::run() {
  while (!finished() && !(stop_when && stop_when(*this))) {
    auto event = next_event();
    if (event) make_up_for_skipped(*event);
    event = next_event();  // that decision may have brought something sooner
    const bool decision_first = !event || next_decision_ < *event;
    const auto next = decision_first ? next_decision_ : *event;
    meter_.advance(next, look());
    time_.advance(next);
    if (decision_first)
      decide();
    else
      happen();
    if (on_step) on_step(*this);
    if (is_stuck()) {
      stuck_ = true;
      break;
    }
  }
  meter_.finish(time_.now(), look());
  return sum_up();
}

outcome simulation::sum_up() {
  outcome o;
  o.policy = policy_->name();
  o.tasks = work_.counts();
  o.makespan = std::max(work_.last_end() - start, duration{});
  o.length = time_.now() - start;
  const auto& w = work_.waits();
  o.wait_p50 = w.percentile(0.5);
  o.wait_p95 = w.percentile(0.95);
  o.wait_p99 = w.percentile(0.99);
  o.wait_mean = w.mean();
  o.wait_max = w.longest();
  o.worker_hours = meter_.worker_seconds() / 3600;
  o.cost = meter_.cost();
  if (meter_.billed_cpu_seconds() > 0) o.utilisation = work_.work_done() / meter_.billed_cpu_seconds();
  o.peak_workers = meter_.most_workers();
  o.peak_busy = meter_.most_busy();
  for (const auto& p : pools_) {
    const auto& c = p->manager->counters();
    o.launches += c.launches;
    o.ends += c.ended;
    o.crashes += c.deaths;
    o.preemptions += c.preemptions;
    o.failed_starts += c.failed_starts;
    o.called_off += c.called_off;
  }
  o.reversals = reversals_;
  o.decisions = decisions_;
  o.stuck = stuck_;
  o.why_refused = work_.why_refused();
  o.time_line = meter_.samples();
  return o;
}

}  // namespace troupe::simulator
