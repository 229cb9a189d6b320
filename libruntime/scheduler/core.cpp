// The door of the core: dispatches events, runs timers, and closes each round.
#include "libruntime/scheduler/core.hpp"

#include "libruntime/scheduler/state.hpp"

namespace troupe::scheduler {

core::state::state(core_settings s)
    : settings(s), kinds(s.default_duration), jobs(s.first_job), ready(jobs, kinds) {}

core::core(core_settings settings) : state_(std::make_unique<state>(settings)) {}
core::~core() = default;
core::core(core&&) noexcept = default;
core& core::operator=(core&&) noexcept = default;

void core::handle(const event& e, time_point now, actions& out) {
  state_->begin_round(now);
  state_->handle(e);
  state_->finish_round(out);
}

void core::handle(std::vector<event>& batch, time_point now, actions& out) {
  state_->begin_round(now);
  for (const auto& e : batch) state_->handle(e);
  state_->finish_round(out);
}

void core::state::handle(const event& e) {
  std::visit(
      [this](const auto& x) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(x)>, tick>) on(x);
      },
      e);
  tell_dependents();
}

void core::state::begin_round(time_point t) {
  now = std::max(now, t);
  newly_ready = newly_filled = 0;
  if (announced_wake && *announced_wake <= now) announced_wake.reset();
  run_timers();
}

void core::state::finish_round(actions& out) {
  tell_dependents();
  place();
  finish_jobs();
  if (!starved.empty()) grant_starved();
  spill_excess();
  flush(out);
  gone.clear();
}

void core::state::run_timers() {
  while (auto t = timers.take_due(now)) {
    switch (t->kind) {
      case timer_kind::retry: {
        auto id = task_id{job_id{static_cast<std::uint32_t>(t->subject >> 32)},
                          static_cast<task_index>(t->subject)};
        auto h = find(id);
        if (!h.record || h.record->state != task_state::waiting ||
            !h.record->has(task_flag::delayed) || h.record->rare()->not_before > now)
          break;
        h.record->clear(task_flag::delayed);
        make_ready(*h.owner, *h.record, id, false);
        break;
      }
      case timer_kind::worker:
        check_worker(worker_id{static_cast<std::uint32_t>(t->subject)});
        break;
      case timer_kind::client: {
        auto s = sessions.find(t->subject);
        if (s != sessions.end() && !s->second->client &&
            s->second->gone_since + settings.client_grace <= now)
          end_session(*s->second);
        break;
      }
      case timer_kind::retention:
        retention_due = true;
        break;
      case timer_kind::steal:  // placement looks at it in every round
        steal_timer = false;
        break;
    }
  }
}

void core::state::tell(protocol::event_kind kind, job_id j, task_index index, worker_id w,
                       std::string pool, std::string text) {
  story.push_back({next_event++, 0, kind, j, index, w, std::move(pool), std::move(text)});
}

load_snapshot core::snapshot(time_point now) const { return state_->load(now); }
std::vector<function_view> core::functions() const { return state_->kinds.function_views(); }

const core_stats& core::stats() const { return state_->stats; }
void core::check_invariants() const { state_->check(); }

}  // namespace troupe::scheduler
