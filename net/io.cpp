// The event loops and their timers. stop() closes what is registered and lets the loops run dry, so
// that every pending operation ends in its handler; only a loop that does not (a name look-up that
// hangs in the system's resolver can't be interrupted) is stopped by force.
#include "net/io.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <system_error>

#include <boost/asio/executor_work_guard.hpp>
#include <openssl/ssl.h>

#include "net/io_pool.hpp"

namespace troupe::net {

namespace {

constexpr auto run_dry_limit = std::chrono::seconds{3};

// The loop that this thread drives, or drove until it was handed over.
struct driven_loop {
  const void* loop = nullptr;
  std::uint64_t number = 0;
};
thread_local driven_loop driven;

struct handed_over {};

}  // namespace

io_pool::registration::~registration() {
  if (pool_) pool_->remove(id_);
}

io_pool::io_pool(std::size_t threads) {
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i)
    loops_.push_back(std::make_unique<loop>());
}

io_pool::~io_pool() {
  // The last owner may be a handler on one of our own threads only after join(), so none is left.
  stop();
  join();
}

void io_pool::start() {
  std::lock_guard lock(mutex_);
  for (auto& l : loops_) drive(*l);
}

void io_pool::drive(loop& l) {
  std::erase_if(threads_, [](loop_thread& t) {
    if (t.ended) t.thread.join();
    return t.ended;
  });
  auto& t = threads_.emplace_back();
  const auto number = ++l.driver;
  try {
    t.thread = std::thread([this, &l, &t, number] {
      prctl(PR_SET_NAME, "troupe-io");
      run(l, number);
      std::lock_guard lock(mutex_);
      t.ended = true;
      --running_;
      ended_.notify_all();
    });
  } catch (const std::system_error&) {
    --l.driver;
    threads_.pop_back();
    throw;
  }
  ++running_;
}

void io_pool::run(loop& l, std::uint64_t number) {
  driven = {&l, number};
  try {
    l.context.run();
  } catch (const handed_over&) {
    // What the function posted was kept for this thread, because Asio was told that there is only one
    // (and there is only one at work). It is in the common queue now, but nobody was woken for it.
    asio::post(l.context, [] {});
  }
  driven = {};
}

// A handler can't tell the loop to let its thread go, but what it throws ends run(), as Asio promises, and
// nothing else. (Single steps of run_one() would do, but each would begin with an empty cache of memory
// for handlers.)
void io_pool::post_apart(std::function<void()> fn) {
  asio::post(first(), [this, fn = std::move(fn)] {
    bool driving = on_first_thread();  // else somebody clears up after the threads have ended
    fn();
    if (driving && !on_first_thread()) throw handed_over{};
  });
}

void io_pool::hand_over() {
  std::lock_guard lock(mutex_);
  if (stopped()) return;
  try {
    drive(*loops_.front());
  } catch (const std::system_error&) {
    // No thread to be had: all waits for the function, and its thread stays the first one.
  }
}

bool io_pool::on_first_thread() const {
  const auto& l = *loops_.front();
  return driven.loop == &l && driven.number == l.driver.load(std::memory_order_acquire);
}

asio::io_context& io_pool::next() {
  return loops_[round_.fetch_add(1, std::memory_order_relaxed) % loops_.size()]->context;
}

io_pool::registration io_pool::add(std::weak_ptr<stoppable> what) {
  std::lock_guard lock(mutex_);
  if (stopped()) return {};
  register_.emplace(++last_id_, std::move(what));
  return {shared_from_this(), last_id_};
}

void io_pool::remove(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  register_.erase(id);
}

void io_pool::stop() {
  std::vector<std::shared_ptr<stoppable>> all;
  {
    std::lock_guard lock(mutex_);
    if (stopped_.exchange(true)) return;
    for (auto& [id, what] : register_)
      if (auto strong = what.lock()) all.push_back(std::move(strong));
  }
  for (auto& what : all) what->stop_now(failure{errc::unavailable, "this process is stopping", {}});
  for (auto& l : loops_) l->work.reset();
}

void io_pool::join() {
  {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, run_dry_limit, [this] { return running_ == 0; });
  }
  for (auto& l : loops_) l->context.stop();
  for (auto& t : threads_) t.thread.join();
  threads_.clear();
  // What was posted while a loop ended: nothing that was accepted is forgotten.
  for (auto& l : loops_) {
    l->context.restart();
    l->context.poll();
  }
}

// ---- io ---------------------------------------------------------------------------------------

namespace {

std::shared_ptr<io_pool> make_pool(std::size_t threads) {
  // What OpenSSL sets up on first use it takes down at exit. Done before an io exists, it is taken
  // down after an io that is static, and not while its threads still speak TLS.
  OPENSSL_init_ssl(0, nullptr);
  return std::make_shared<io_pool>(threads);
}

}  // namespace

io::io(std::size_t threads) : pool_(make_pool(threads)) { pool_->start(); }

io::~io() {
  stop();
  join();
}

void io::stop() {
  pool_->stop();
}
void io::join() {
  pool_->join();
}

void io::post(std::function<void()> fn) {
  if (!pool_->stopped()) asio::post(pool_->first(), std::move(fn));
}

void io::post_apart(std::function<void()> fn) {
  if (!pool_->stopped()) pool_->post_apart(std::move(fn));
}
void io::hand_over() {
  pool_->hand_over();
}
bool io::on_first_thread() const {
  return pool_->on_first_thread();
}

// ---- timers -----------------------------------------------------------------------------------

struct timer::state : stoppable, std::enable_shared_from_this<timer::state> {
  state(std::shared_ptr<io_pool> p, std::function<void()> f)
      : pool(std::move(p)), alarm(pool->first()), fn(std::move(f)) {}

  void begin(duration delay) {
    alarm.expires_after(delay);
    alarm.async_wait([self = shared_from_this()](error_code) { self->fire(); });
  }

  void fire() {
    entry = {};
    auto f = std::move(fn);
    fn = nullptr;
    if (!over.exchange(true)) f();
  }

  // The alarm belongs to its io thread; `over` is what makes cancelling take effect at once.
  void cancel() {
    if (over.exchange(true)) return;
    asio::post(alarm.get_executor(), [self = shared_from_this()] { self->alarm.cancel(); });
  }

  void stop_now(const failure&) override { cancel(); }

  const std::shared_ptr<io_pool> pool;  // first: the loops outlive what lives on them
  steady_timer alarm;
  std::function<void()> fn;
  std::atomic<bool> over{false};
  io_pool::registration entry;
};

void timer::cancel() {
  if (state_) state_->cancel();
}

timer io::after(duration delay, std::function<void()> fn) {
  auto s = std::make_shared<timer::state>(pool_, std::move(fn));
  s->entry = pool_->add(s);
  if (!s->entry) return {};
  asio::post(pool_->first(), [s, delay] { s->begin(delay); });
  return timer(std::move(s));
}

}  // namespace troupe::net
