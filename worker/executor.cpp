#include "worker/executor.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <utility>

namespace troupe::worker {
namespace {

using namespace std::chrono_literals;

constexpr duration longest_deferral = 500us;
constexpr duration deferral_check = 1ms;
constexpr duration shortest_tick = 5ms;
constexpr duration longest_callback = 20ms;  // then others have theirs called by another thread
constexpr std::uint32_t crowd = 16;      // short calls that are worth waking slots for, where there are several
constexpr int spins = 100;
// When no call has stayed on the lent thread for so many times as long as one may, it is looked at so much
// more seldom.
constexpr int stays_until_trusted = 8;
constexpr int trusted_factor = 4;

// Tells the processor that this is a waiting loop.
void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

// What runs one task after another: a thread, or run_short() on the owner's. `control` and the words on
// progress are read by other threads, under the executor's mutex.
struct executor::slot final : progress_sink {
  explicit slot(executor& o) : owner(o) {}

  void progress(double value, std::string_view words) override {
    auto lock = owner.acquire();
    fraction = value;
    text.assign(words.substr(0, 256));
  }

  executor& owner;
  bool busy = false;
  bool handed_over = false;
  std::shared_ptr<stop_control> control;
  task_id task;
  attempt_number attempt = 0;
  worker::ticket ticket = 0;
  time_point started_at{};
  double fraction = 0;
  std::string text;
  std::thread thread;
};

executor::executor(executor_settings settings, std::shared_ptr<const function_registry> functions,
                   executor_callbacks callbacks)
    : settings_([&] {
        settings.tasks.indexed = settings.core.indexed;
        settings.tasks.cancel_grace = settings.core.cancel_grace;
        settings.core.functions = functions.get();
        return std::move(settings);
      }()),
      functions_(std::move(functions)),
      callbacks_(std::move(callbacks)),
      runner_(settings_.tasks),
      core_(settings_.core) {
  runner_.prepare();
  timekeeper_ = std::thread{[this] { keep_time(); }};
}

executor::~executor() {
  {
    auto lock = acquire();
    stopping_ = quit_ = true;
    work_.notify_all();
    time_.notify_all();
    stop_.notify_all();
    empty_.wait(lock, [this] { return lent_inside_ == 0; });
  }
  timekeeper_.join();
  for (auto& t : stoppers_) t.join();
  for (auto& s : slots_) s->thread.join();
}

// The lock is held for a fraction of a microsecond at a time, but taken back by a slot as soon after:
// who slept for it would cost the slot a system call a task, and often find it taken again.
std::unique_lock<std::mutex> executor::acquire() const {
  for (int i = 0; i < spins; ++i) {
    if (mutex_.try_lock()) return {mutex_, std::adopt_lock};
    relax();
  }
  return std::unique_lock{mutex_};
}

void executor::define(protocol::worker_template t) {
  auto lock = acquire();
  core_.define(std::move(t));
}

void executor::assign(protocol::assign message) {
  auto lock = acquire();
  core_.assign(std::move(message));
  start_next();
  release(lock, note_output());  // refusals
}

void executor::release(std::unique_lock<std::mutex>& lock, bool wake) {
  bool run_short = std::exchange(ask_run_short_, false);
  lock.unlock();
  if (wake) callbacks_.wake();
  if (run_short) callbacks_.run_short(*this);
}

// Sees to it that somebody takes what could start now: the lent thread, or one slot, which may have to
// be made. Whoever takes a task does the same for the next one, so that each wake-up finds work.
void executor::start_next() {
  if (stopping_) return;
  auto next = core_.look_ahead();
  if (next == worker_core::upcoming::nothing) return;
  if (is_for_lent_thread(next)) {
    if (std::exchange(lent_asked_, true)) return;
    ask_run_short_ = lent_waits_ = true;
    lent_asked_at_ = clock::now();
    arm(lent_asked_at_ + look_interval(lent_asked_at_));
  } else if (idle_ > 0) {
    work_.notify_one();
  } else if (slots_.size() < core_.settings().max_running &&
             // Else one is about to look for work itself.
             std::all_of(slots_.begin(), slots_.end(), [](auto& s) { return s->busy; })) {
    auto& s = *slots_.emplace_back(std::make_unique<slot>(*this));
    s.thread = std::thread{[this, &s] { run_slot(s); }};
  }
}

void executor::run_slot(slot& s) {
  prctl(PR_SET_NAME, "troupe-slot");
  auto lock = acquire();
  auto now = clock::now();
  duration run_time = duration::max();
  while (auto order = take_task(s, lock, run_time, now)) {
    arm(now + settings_.core.started_after);
    start_next();
    release(lock, !may_defer(run_time, now) && note_output());
    now = run(s, *order, lock);
    run_time = now - s.started_at;
  }
}

// Waits for a task; nothing when the executor is being destroyed.
std::optional<start_order> executor::take_task(slot& s, std::unique_lock<std::mutex>& lock,
                                               duration last_run, time_point& now) {
  while (!quit_) {
    // One that is awake and has just run something longer takes whatever comes next.
    bool leave = last_run <= settings_.core.short_call && callbacks_.run_short && !lent_late_ &&
                 is_for_lent_thread(core_.look_ahead());
    if (auto order = stopping_ || leave ? std::nullopt : core_.next(now)) {
      begin(s, *order, now);
      return order;
    }
    start_next();
    bool wake = note_output();
    if (wake || ask_run_short_) {
      release(lock, wake);
      lock = acquire();
    } else {
      ++idle_;
      empty_.notify_all();
      work_.wait(lock);
      --idle_;
      last_run = duration::max();
    }
    now = clock::now();
  }
  return std::nullopt;
}

void executor::begin(slot& s, const start_order& order, time_point now) {
  if (!s.control) s.control = std::make_shared<stop_control>();
  s.task = order.task;
  s.attempt = order.attempt;
  s.ticket = order.ticket;
  s.started_at = now;
  s.fraction = 0;
  s.text.clear();
  s.busy = true;
  if (by_ticket_.size() <= order.ticket) by_ticket_.resize(order.ticket + 1);
  by_ticket_[order.ticket] = &s;
}

// Called without the lock; when it returns, at the time it says, it is taken.
time_point executor::run(slot& s, start_order& order, std::unique_lock<std::mutex>& lock) {
  auto outcome = runner_.run(order, *s.control, s);
  auto now = clock::now();
  lock = acquire();
  s.busy = false;
  // One that nobody has used or holds serves the next task, too.
  if (s.control.use_count() > 1 || s.control->reason() != stop_reason::none) s.control.reset();
  core_.finish(order.ticket, std::move(outcome), now);
  if (output_since_ == time_point::max()) output_since_ = now;
  return now;
}

// ---- the lent thread --------------------------------------------------------------------------

bool executor::is_for_lent_thread(worker_core::upcoming next) const {
  return next == worker_core::upcoming::short_call && callbacks_.run_short && !lent_late_ &&
         (core_.settings().slots == 1 || core_.queued() < crowd);
}

executor::slot& executor::lent_slot() {
  auto free = std::find_if(lent_.begin(), lent_.end(), [](auto& s) { return !s->busy; });
  auto& s = free != lent_.end() ? *free : lent_.emplace_back(std::make_unique<slot>(*this));
  s->handed_over = false;
  return *s;
}

// Reports wait for the end: they share what one costs here and in the head.
void executor::run_short() {
  auto lock = acquire();
  ++lent_inside_;
  lent_waits_ = lent_late_ = false;
  auto& s = lent_slot();
  auto now = clock::now();
  const auto until = now + longest_deferral;
  while (!stopping_ && !s.handed_over && now < until) {
    auto order = core_.next_short(now);
    if (!order) break;
    lent_used_ = true;
    auto look = look_interval(now), limit = order->spec->options.timeout;
    arm(now + (limit > duration::zero() ? std::min(limit, look) : look));
    begin(s, *order, now);
    // Slots may be of use beside this thread. One alone gets what is left at the end.
    if (core_.settings().slots > 1) start_next();
    release(lock, false);
    now = run(s, *order, lock);
  }
  if (!s.handed_over) lent_asked_ = false;
  start_next();
  release(lock, note_output());
  lock = acquire();
  --lent_inside_;
  empty_.notify_all();
}

// Looks again and again while the lent thread is in use, rather than at each call: a wake-up of the
// timekeeper costs more than most calls.
void executor::look_after_lent_thread(time_point now) {
  auto again = [this](time_point when) { tick_at_ = std::min(tick_at_, when); };
  if (std::exchange(lent_used_, false)) again(now + look_interval(now));
  for (auto& s : lent_) {
    if (!s->busy || s->handed_over) continue;
    if (auto late = s->started_at + settings_.longest_stay; now < late) {
      // Short ones in passing are always found; they are no reason to look again soon.
      if (now - s->started_at > settings_.core.short_call || !is_trusted(now)) again(late);
    } else {
      callbacks_.hand_over();
      core_.turned_out_long(s->ticket);
      if (auto next = core_.next_tick()) again(std::max(*next, now + shortest_tick));
      s->handed_over = true;
      lent_asked_ = false;
      last_stay_ = now;
      start_next();
    }
  }
  if (!lent_waits_) return;
  if (auto late = lent_asked_at_ + settings_.longest_stay; now < late) {
    again(late);
  } else {  // it is busy with something else
    lent_late_ = true;
    last_stay_ = now;
    start_next();
  }
}

bool executor::is_trusted(time_point now) const {
  return now - last_stay_ > settings_.longest_stay * stays_until_trusted;
}

// Tens of workers that share two cores spend a twentieth of them on looking fifty times a second.
duration executor::look_interval(time_point now) const {
  return settings_.longest_stay * (is_trusted(now) ? trusted_factor : 1);
}

// ---- reports ----------------------------------------------------------------------------------

// A wake-up a task would cost more than the task when they take a microsecond each. So it is put off
// while the tasks are short, for as long as a few hundred take: they share what a report costs here
// and in the head. Nothing is put off when there is no next task; when it is a long one, the
// timekeeper makes up for it.
bool executor::may_defer(duration run_time, time_point now) {
  if (output_noted_ || run_time > settings_.core.short_call || now - output_since_ > longest_deferral) return false;
  deferred_ = true;
  arm(now + deferral_check);
  return true;
}

bool executor::note_output() {
  bool any = core_.has_finished() || !started_.empty() || !stuck_.empty();
  if (!any || output_noted_) return false;
  output_noted_ = true;
  output_since_ = time_point::max();
  return true;
}

// ---- time -------------------------------------------------------------------------------------

void executor::arm(time_point when) {
  if (when >= tick_at_) return;
  tick_at_ = when;
  time_.notify_one();
}

void executor::keep_time() {
  prctl(PR_SET_NAME, "troupe-time");
  auto lock = acquire();
  while (!quit_) {
    if (tick_at_ == time_point::max()) {
      time_.wait(lock);
      continue;
    }
    if (clock::now() < tick_at_) {
      time_.wait_until(lock, tick_at_);
      continue;
    }
    auto now = clock::now();
    auto due = core_.tick(now);
    auto next = core_.next_tick();
    tick_at_ = next ? std::max(*next, now + shortest_tick) : time_point::max();
    if (std::exchange(deferred_, false)) tick_at_ = std::min(tick_at_, now + deferral_check);
    started_.insert(started_.end(), due.started.begin(), due.started.end());
    stuck_.insert(stuck_.end(), due.stuck.begin(), due.stuck.end());
    bool wake = note_output();
    queue_stops(due.stop);
    look_after_lent_thread(now);
    look_after_stops(now);
    if (!wake && !ask_run_short_) continue;
    release(lock, wake);
    lock = acquire();
  }
}

void executor::queue_stops(const std::vector<stop_order>& orders) {
  if (orders.empty()) return;
  for (const auto& o : orders) stops_.emplace_back(by_ticket_[o.ticket]->control, o.why);
  if (auto next = core_.next_tick()) arm(*next);
  if (stoppers_.empty()) add_stopper();
  stop_.notify_one();
  arm(clock::now() + longest_callback);
}

void executor::add_stopper() {
  ++free_stoppers_;
  stoppers_.emplace_back([this] { request_stops(); });
}

// Stop callbacks are the functions' own code: they run without our lock, and one that hangs holds up no
// other for long.
void executor::request_stops() {
  prctl(PR_SET_NAME, "troupe-stop");
  auto lock = acquire();
  for (;;) {
    stop_.wait(lock, [this] { return quit_ || !stops_.empty(); });
    if (stops_.empty()) return;
    auto [control, why] = std::move(stops_.front());
    stops_.pop_front();
    --free_stoppers_;
    lock.unlock();
    control->request(why);
    control.reset();
    lock.lock();
    ++free_stoppers_;
  }
}

void executor::look_after_stops(time_point now) {
  if (stops_.empty()) return;
  if (free_stoppers_ == 0) add_stopper();
  tick_at_ = std::min(tick_at_, now + longest_callback);
}

// ---- the owner's side -------------------------------------------------------------------------

protocol::recalled executor::recall(const protocol::recall& message) {
  auto lock = acquire();
  return core_.recall(message);
}

void executor::cancel(const protocol::cancel_attempts& message) {
  auto lock = acquire();
  auto now = clock::now();
  auto orders = core_.cancel(message, now);
  bool wake = note_output();
  queue_stops(orders);
  start_next();  // a task that others waited behind may be gone
  release(lock, wake);
}

void executor::acknowledge(std::uint64_t number) {
  auto lock = acquire();
  core_.acknowledge(number);
}

void executor::drain() {
  auto lock = acquire();
  core_.drain();
}

void executor::pause(bool on) {
  auto lock = acquire();
  core_.pause(on);
  start_next();
  release(lock, false);
}

executor_output executor::take_output() {
  auto lock = acquire();
  output_noted_ = false;
  output_since_ = time_point::max();
  return {core_.take_finished(), std::exchange(started_, {}), std::exchange(stuck_, {})};
}

std::vector<finished_batch> executor::unacknowledged() const {
  auto lock = acquire();
  return core_.unacknowledged();
}

std::vector<protocol::held_task> executor::held() const {
  auto lock = acquire();
  return core_.held();
}

executor_load executor::load() const {
  auto lock = acquire();
  return {core_.running(), core_.queued(), core_.draining()};
}

std::vector<running_task> executor::running() const {
  std::vector<running_task> out;
  auto lock = acquire();
  auto now = clock::now();
  for (const auto* list : {&slots_, &lent_})
    for (const auto& s : *list)
      if (s->busy) out.push_back({s->task, s->attempt, now - s->started_at, s->fraction, s->text});
  return out;
}

core_stats executor::stats() const {
  auto lock = acquire();
  return core_.stats();
}

bool executor::stop(time_point deadline) {
  auto lock = acquire();
  stopping_ = true;
  queue_stops(core_.stop_running(stop_reason::draining, clock::now()));
  return empty_.wait_until(lock, deadline, [this] { return core_.running() == 0; });
}

}  // namespace troupe::worker
