// One thread: takes commands from a queue (woken by an eventfd), watches pidfds, and keeps the
// graces of processes that were asked to end.
#include "providers/local/local_provider.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <poll.h>
#include <set>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "providers/local/processes.hpp"

namespace troupe::providers {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t tail_lines = 20;
constexpr std::size_t tail_bytes = 4096;
constexpr auto sweep_limit = std::chrono::milliseconds{500};
// All that is new is of this provider's making; looking through /proc again is for surprises.
constexpr auto adopt_again = std::chrono::minutes{1};

// Leaders that providers of this process started and watch. There may be several providers, one a
// pool as a rule, and a child's exit status can be read once: each leaves the others' children alone.
class started_leaders {
 public:
  static started_leaders& of_this_process() {
    static started_leaders all;
    return all;
  }
  void add(pid_t pid) {
    const std::lock_guard lock(mutex_);
    pids_.insert(pid);
  }
  void remove(pid_t pid) {
    const std::lock_guard lock(mutex_);
    pids_.erase(pid);
  }
  bool contains(pid_t pid) const {
    const std::lock_guard lock(mutex_);
    return pids_.count(pid) > 0;
  }

 private:
  mutable std::mutex mutex_;
  std::set<pid_t> pids_;
};

struct child {
  request_id request;
  std::string pool;
  std::string token;
  pid_t pid = 0;
  owned_fd handle;
  fs::path log;
  bool adopted = false;  // not a child of this process: its pid isn't held back for us
  bool told_to_end = false;
  std::optional<time_point> kill_at;

  pid_t leader() const { return adopted ? 0 : pid; }  // as kill_trees takes it
};

std::string file_name(const request_id& request) {
  std::string name = request;
  for (auto& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '_') c = '_';
  return name + ".log";
}

class local_provider final : public provider {
 public:
  explicit local_provider(local_settings settings)
      : settings_(std::move(settings)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
    remember_old_logs();
    thread_ = std::thread([this] { run(); });
  }

  ~local_provider() override {
    post({});
    thread_.join();
    for (const auto& [request, c] : children_) started_leaders::of_this_process().remove(c.pid);
  }

  void launch(launch_request request, time_point, reply<launched> done_with) override {
    post([this, request = std::move(request), done_with = std::move(done_with)](bool stopping) {
      if (stopping) return done_with(going());
      if (request.cluster != settings_.cluster)
        return done_with(refuse(failure_class::invalid_request, "not this provider's cluster"));
      launched result;
      for (const auto& item : request.items)
        result.outcomes.push_back({item.request, start(request, item)});
      done_with(std::move(result));
    });
  }

  void list(time_point, reply<std::vector<instance>> done_with) override {
    post([this, done_with = std::move(done_with)](bool stopping) {
      if (stopping) return done_with(going());
      if (!adopted_at_ || clock::now() - *adopted_at_ >= adopt_again) adopt();
      std::vector<instance> found;
      for (const auto& [request, c] : children_) {
        cut_output(c);
        found.push_back(view(c));
      }
      done_with(std::move(found));
    });
  }

  void terminate(std::vector<instance_id> ids, time_point, reply<done> done_with) override {
    post([this, ids = std::move(ids), done_with = std::move(done_with)](bool stopping) {
      if (stopping) return done_with(going());
      if (std::any_of(ids.begin(), ids.end(), [&](const auto& id) { return !children_.count(id); }))
        adopt();
      for (const auto& id : ids)
        if (auto at = children_.find(id); at != children_.end()) ask_to_end(at->second);
      done_with(done{});
    });
  }

  void on_end(end_handler handler) override {
    const std::lock_guard lock(mutex_);
    on_end_ = std::move(handler);
  }

 private:
  using command = std::function<void(bool stopping)>;  // empty: stop

  static tl::unexpected<provider_failure> going() {
    return refuse(failure_class::transient, "the local provider is going down");
  }

  void post(command c) {
    {
      const std::lock_guard lock(mutex_);
      commands_.push_back(std::move(c));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);  // full: it is awake
  }

  void run() {
    while (carry_out_commands()) {
      wait();
      reap();
      enforce_graces();
    }
  }

  // False when told to stop; what was asked afterwards is answered all the same.
  bool carry_out_commands() {
    std::deque<command> batch;
    {
      const std::lock_guard lock(mutex_);
      batch.swap(commands_);
    }
    bool stopping = false;
    for (auto& c : batch) {
      if (!c)
        stopping = true;
      else
        c(stopping);
    }
    return !stopping;
  }

  void wait() {
    std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
    auto timeout = std::chrono::milliseconds{-1};
    for (const auto& [request, c] : children_) {
      fds.push_back({c.handle.get(), POLLIN, 0});
      if (!c.kill_at) continue;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          std::max(*c.kill_at - clock::now(), duration{}));
      timeout = timeout.count() < 0 ? left : std::min(timeout, left);
    }
    ::poll(fds.data(), fds.size(), static_cast<int>(timeout.count()));
    std::uint64_t count = 0;
    [[maybe_unused]] auto n = ::read(wake_.get(), &count, sizeof count);
    ended_.clear();
    for (std::size_t i = 1; i < fds.size(); ++i)
      if (fds[i].revents != 0) ended_.push_back(fds[i].fd);
  }

  answer<instance> start(const launch_request& request, const launch_item& item) {
    if (auto at = children_.find(item.request); at != children_.end()) return view(at->second);
    std::error_code error;
    fs::create_directories(settings_.log_folder, error);
    fs::permissions(settings_.log_folder, fs::perms::owner_all, error);
    spawn_request s;
    s.argv = request.command.argv;
    s.env = request.command.env;
    s.env.emplace_back(env_cluster, request.cluster);
    s.env.emplace_back(env_pool, request.pool);
    s.env.emplace_back(env_instance, item.request);
    s.env.emplace_back(env_token, item.token);
    s.working_directory = request.command.working_directory;
    s.output = settings_.log_folder / file_name(item.request);
    const auto pid = spawn(s);
    if (!pid) return tl::unexpected(pid.error());
    child c;
    c.request = item.request;
    c.pool = request.pool;
    c.token = item.token;
    c.pid = *pid;
    c.handle = open_process(*pid);  // a child that isn't waited for keeps its pid
    c.log = s.output;
    const auto shown = view(c);
    if (!c.handle) {
      ::kill(*pid, SIGKILL);
      ::waitpid(*pid, nullptr, 0);
      return refuse(failure_class::transient, std::string("pidfd_open: ") + std::strerror(errno));
    }
    started_leaders::of_this_process().add(c.pid);
    children_.emplace(item.request, std::move(c));
    return shown;
  }

  // Instances that an earlier head started, or whose leader went and left something behind.
  void adopt() {
    adopted_at_ = clock::now();
    const auto all = scan_processes(settings_.cluster);
    std::map<request_id, const seen_process*> oldest;
    std::set<request_id> elsewhere;
    for (const auto& p : all)
      if (started_leaders::of_this_process().contains(p.pid)) elsewhere.insert(p.request);
    for (const auto& p : all) {
      if (p.request.empty() || children_.count(p.request) || elsewhere.count(p.request)) continue;
      auto& o = oldest[p.request];
      if (!o || std::pair(p.started, p.pid) < std::pair(o->started, o->pid)) o = &p;
    }
    for (const auto& [request, p] : oldest) {
      child c;
      c.handle = open_tagged(p->pid, settings_.cluster, request);
      if (!c.handle) continue;
      c.adopted = true;
      c.request = request;
      c.pool = p->pool;
      c.pid = p->pid;
      c.log = settings_.log_folder / file_name(request);
      children_.emplace(request, std::move(c));
    }
  }

  instance view(const child& c) const {
    instance i;
    i.id = i.request = c.request;
    i.pool = c.pool;
    i.state = c.told_to_end ? instance_state::stopping : instance_state::running;
    i.host = "localhost";
    i.pid = static_cast<std::uint32_t>(c.pid);
    return i;
  }

  void ask_to_end(child& c) {
    if (c.told_to_end) return;
    c.told_to_end = true;
    c.kill_at = clock::now() + settings_.stop_grace;
    signal_process(c.handle, SIGTERM);
  }

  void enforce_graces() {
    std::map<request_id, pid_t> late;
    for (auto& [request, c] : children_)
      if (c.kill_at && *c.kill_at <= clock::now()) {
        late.emplace(request, c.leader());
        c.kill_at = clock::now() + settings_.stop_grace;  // should it be stuck in the kernel
      }
    if (!late.empty()) kill_trees(settings_.cluster, late, sweep_limit);
  }

  void reap() {
    std::vector<std::map<request_id, child>::iterator> ended;
    std::map<request_id, pid_t> requests;
    for (auto fd : ended_) {
      auto at = std::find_if(children_.begin(), children_.end(),
                             [&](const auto& e) { return e.second.handle.get() == fd; });
      if (at == children_.end()) continue;
      ended.push_back(at);
      requests.emplace(at->first, at->second.leader());
    }
    if (ended.empty()) return;
    // Before anybody is told: what ran below it must not run beside its successor. And before it is
    // waited for: until then its session is its own.
    kill_trees(settings_.cluster, requests, sweep_limit);
    std::vector<instance_end> ends;
    for (auto at : ended) {
      // Before it is waited for: afterwards its pid may be somebody else's.
      started_leaders::of_this_process().remove(at->second.pid);
      ends.push_back(end_of(at->second));
      children_.erase(at);
    }
    end_handler handler;
    {
      const std::lock_guard lock(mutex_);
      handler = on_end_;
    }
    if (handler)
      for (const auto& e : ends) handler(e);
  }

  instance_end end_of(const child& c) {
    instance_end e;
    e.id = e.request = c.request;
    e.pool = c.pool;
    e.expected = c.told_to_end;
    siginfo_t info{};
    const bool ours = ::waitid(P_PIDFD, static_cast<id_t>(c.handle.get()), &info, WEXITED) == 0;
    if (ours && info.si_code == CLD_EXITED) {
      e.exit_code = info.si_status;
      e.reason = "exited with status " + std::to_string(info.si_status);
    } else if (ours) {
      e.signal = info.si_status;
      e.reason = "killed by signal " + std::to_string(info.si_status);
      if (const char* name = ::sigabbrev_np(info.si_status))
        e.reason += std::string(" (SIG") + name + ")";
    } else {
      e.reason = "ended; it was started by an earlier head, so its status is not known";
    }
    e.last_lines = last_lines(c.log, tail_lines, tail_bytes);
    hide(e.last_lines, c.token);
    keep_or_drop_log(c, e);
    return e;
  }

  static void hide(std::string& text, const std::string& secret) {
    if (secret.empty()) return;
    for (auto at = text.find(secret); at != text.npos; at = text.find(secret, at))
      text.replace(at, secret.size(), "…");
  }

  // Logs of bad ends are kept for people, the latest ones.
  void keep_or_drop_log(const child& c, const instance_end& e) {
    std::error_code error;
    if (e.expected || e.exit_code == 0) {
      fs::remove(c.log, error);
      return;
    }
    kept_.push_back(c.log);
    drop_oldest_logs();
  }

  void remember_old_logs() {
    std::error_code error;
    std::vector<std::pair<fs::file_time_type, fs::path>> found;
    for (const auto& entry : fs::directory_iterator(settings_.log_folder, error))
      if (entry.path().extension() == ".log")
        found.emplace_back(entry.last_write_time(error), entry.path());
    std::sort(found.begin(), found.end());
    for (auto& [time, file] : found) kept_.push_back(std::move(file));
    drop_oldest_logs();
  }

  void drop_oldest_logs() {
    std::error_code error;
    while (kept_.size() > settings_.kept_logs) {
      fs::remove(kept_.front(), error);
      kept_.pop_front();
    }
  }

  // The process appends, so that it goes on at the beginning.
  void cut_output(const child& c) const {
    std::error_code error;
    if (fs::file_size(c.log, error) > settings_.max_log_bytes && !error)
      fs::resize_file(c.log, 0, error);
  }

  const local_settings settings_;
  owned_fd wake_;
  std::mutex mutex_;  // of commands_ and on_end_
  std::deque<command> commands_;
  end_handler on_end_;
  // Of the thread alone.
  std::map<request_id, child> children_;
  std::optional<time_point> adopted_at_;
  std::vector<int> ended_;
  std::deque<fs::path> kept_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<provider> make_local_provider(local_settings settings) {
  return std::make_unique<local_provider>(std::move(settings));
}

}  // namespace troupe::providers
