#include "worker/spawn.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace troupe::worker {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TROUPE_SPAWN_BY_FORK 1  // the sanitizers' runtimes don't know a child that shares memory
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TROUPE_SPAWN_BY_FORK 1
#endif
#endif

enum class stage : int { stdio, folder, limit, group, exec };
struct child_error {
  stage where;
  int error;
};

// All that the child needs, prepared before it exists: between clone and exec it may neither
// allocate nor lock, because it runs in our memory.
struct plan {
  std::vector<std::string> candidates;  // paths to try, in order
  std::vector<char*> argv, env;
  const spawn_request* request = nullptr;
  int null_fd = -1;
  int error_fd = -1;
  pid_t parent = 0;
};

[[noreturn]] void give_up(int error_fd, stage where) {
  child_error e{where, errno};
  ssize_t written = write(error_fd, &e, sizeof e);
  (void)written;
  _exit(127);
}

void reset_signals() {
  struct sigaction fresh {};
  fresh.sa_handler = SIG_DFL;
  for (int s = 1; s < NSIG; ++s) sigaction(s, &fresh, nullptr);
}

// Every descriptor from `first` on is closed by exec.
void close_on_exec_from(unsigned first) {
  if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  struct rlimit limit {};
  getrlimit(RLIMIT_NOFILE, &limit);
  auto last = std::min<rlim_t>(limit.rlim_cur, 65536);
  for (rlim_t fd = first; fd < last; ++fd) fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
}

// Puts the standard descriptors in place. Returns where the error pipe is afterwards.
int arrange_descriptors(const plan& p) {
  const auto& r = *p.request;
  int error_fd = fcntl(p.error_fd, F_DUPFD_CLOEXEC, 10);
  if (error_fd < 0) give_up(p.error_fd, stage::stdio);
  std::array<int, 4> sources{r.stdin_fd, r.stdout_fd, r.stderr_fd, r.extra_fd};
  for (std::size_t i = 0; i < 3; ++i)
    if (sources[i] < 0) sources[i] = p.null_fd;
  for (auto& fd : sources)  // out of the way of one another
    if (fd >= 0 && fd < 4 && (fd = fcntl(fd, F_DUPFD_CLOEXEC, 10)) < 0)
      give_up(error_fd, stage::stdio);
  for (int i = 0; i < 4; ++i)
    if (sources[static_cast<std::size_t>(i)] >= 0 &&
        dup2(sources[static_cast<std::size_t>(i)], i) < 0)
      give_up(error_fd, stage::stdio);
  close_on_exec_from(r.extra_fd >= 0 ? 4 : 3);
  return error_fd;
}

[[noreturn]] void run_child(const plan& p) {
  const auto& r = *p.request;
  reset_signals();
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != p.parent) _exit(127);  // it died before the line above
  int error_fd = arrange_descriptors(p);
  if (r.cgroup_procs_fd >= 0 && write(r.cgroup_procs_fd, "0", 1) != 1)
    give_up(error_fd, stage::group);
  if (r.data_limit > 0) {
    struct rlimit limit {r.data_limit, r.data_limit};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) give_up(error_fd, stage::limit);
  }
  if (!r.cwd.empty() && chdir(r.cwd.c_str()) != 0) give_up(error_fd, stage::folder);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  int denied = 0;
  for (const auto& path : p.candidates) {
    execve(path.c_str(), p.argv.data(), p.env.data());
    if (errno == EACCES) denied = errno;  // as a shell does: go on looking, but say so at the end
    else if (errno != ENOENT && errno != ENOTDIR) break;
  }
  if (denied != 0 && (errno == ENOENT || errno == ENOTDIR)) errno = denied;
  give_up(error_fd, stage::exec);
}

int run_child_of(void* p) { run_child(*static_cast<const plan*>(p)); }

std::string_view path_of(const std::vector<std::string>& env) {
  for (const auto& entry : env)
    if (entry.starts_with("PATH=")) return std::string_view{entry}.substr(5);
  return "/usr/local/bin:/usr/bin:/bin";
}

std::vector<std::string> candidates_for(const spawn_request& r) {
  const auto& name = r.argv.front();
  if (name.find('/') != std::string::npos) return {name};
  std::vector<std::string> out;
  for (auto rest = path_of(r.env);;) {
    auto colon = rest.find(':');
    auto folder = rest.substr(0, colon);
    out.push_back(folder.empty() ? "./" + name : std::string{folder} + "/" + name);
    if (colon == std::string_view::npos) return out;
    rest.remove_prefix(colon + 1);
  }
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// With every signal blocked: a handler of ours must not run in the child, which shares our memory.
pid_t clone_child(plan& p) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
#ifdef TROUPE_SPAWN_BY_FORK
  pid_t pid = fork();
  if (pid == 0) run_child_of(&p);
#else
  constexpr std::size_t stack_size = std::size_t{64} << 10;
  auto stack = std::make_unique_for_overwrite<std::byte[]>(stack_size);
  auto top = reinterpret_cast<std::uintptr_t>(stack.get() + stack_size) & ~std::uintptr_t{63};
  pid_t pid = clone(run_child_of, reinterpret_cast<void*>(top), CLONE_VM | CLONE_VFORK | SIGCHLD,
                    &p);
#endif
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

failure explain(const spawn_request& r, const child_error& e) {
  const auto& name = r.argv.front();
  auto why = error_text(e.error);
  switch (e.where) {
    case stage::folder:
      return {errc::task_error, e.error == ENOENT
                                    ? "the working folder \"" + r.cwd + "\" does not exist"
                                    : "cannot enter the working folder \"" + r.cwd + "\": " + why,
              {}};
    case stage::limit:
      return {errc::task_error, "cannot limit the memory of \"" + name + "\": " + why, {}};
    case stage::group:
      return {errc::io, "cannot put \"" + name + "\" into its control group: " + why, {}};
    case stage::stdio:
      return {errc::io, "cannot set up the descriptors of \"" + name + "\": " + why, {}};
    case stage::exec:
      break;
  }
  std::string text = "cannot run \"" + name + "\": ";
  bool searched = name.find('/') == std::string::npos;
  if (e.error == ENOENT && searched)
    text += "no such program in PATH (" + std::string{path_of(r.env)} + ")";
  else if (e.error == ENOENT)
    text += "no such file, or the interpreter it names does not exist";
  else if (e.error == ENOEXEC)
    text += "not a program, nor a script with a #! line";
  else if (e.error == E2BIG)
    text += "its arguments and environment are too long";
  else
    text += why;
  return {errc::task_error, std::move(text), {}};
}

bool has_nul(const std::vector<std::string>& strings) {
  return std::any_of(strings.begin(), strings.end(),
                     [](const auto& s) { return s.find('\0') != std::string::npos; });
}

}  // namespace

std::string error_text(int error) { return std::generic_category().message(error); }

std::string to_string(exit_status s) {
  if (s.signal == 0) return "exited with code " + std::to_string(s.code);
  const char* name = sigabbrev_np(s.signal);
  return "was killed by signal " + std::to_string(s.signal) +
         (name ? std::string{" (SIG"} + name + ")" : std::string{});
}

result<child_process> spawn(const spawn_request& request) {
  if (request.argv.empty() || request.argv.front().empty())
    return fail(errc::invalid_argument, "the command is empty");
  if (has_nul(request.argv) || has_nul(request.env) ||
      request.cwd.find('\0') != std::string::npos)
    return fail(errc::invalid_argument, "a zero byte in the command or its environment");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return fail(errc::io, "cannot make a pipe: " + error_text(errno));
  unique_fd errors{ends[0]}, child_end{ends[1]};
  unique_fd null{open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) return fail(errc::io, "cannot open /dev/null: " + error_text(errno));

  plan p;
  p.candidates = candidates_for(request);
  p.argv = pointers_to(request.argv);
  p.env = pointers_to(request.env);
  p.request = &request;
  p.null_fd = null.get();
  p.error_fd = child_end.get();
  p.parent = getpid();
  pid_t pid = clone_child(p);
  if (pid < 0)
    return fail(errc::io, "cannot start a process for \"" + request.argv.front() +
                              "\": " + error_text(errno));
  child_end.reset();
  child_process child{pid, unique_fd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))}};

  child_error e{};
  ssize_t n;
  do n = read(errors.get(), &e, sizeof e);
  while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(sizeof e)) {
    child.reap();
    return tl::unexpected{explain(request, e)};
  }
  return child;
}

child_process::~child_process() {
  if (pid_ == 0) return;
  signal_group(SIGKILL);
  reap();
}

void child_process::signal_group(int signal) const {
  // Before its exec the child may not lead its group yet.
  if (::kill(-pid_, signal) != 0) ::kill(pid_, signal);
}

bool child_process::ended() const {
  siginfo_t info{};
  int r = waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  // An error means that somebody else reaped it: it has ended, too.
  return r != 0 ? errno != EINTR : info.si_pid == pid_;
}

child_process::wait_result child_process::wait(int wake_fd, time_point deadline) const {
  if (!pidfd_) return wait_by_polling(wake_fd, deadline);
  for (;;) {
    std::array<pollfd, 2> fds{pollfd{pidfd_.get(), POLLIN, 0}, pollfd{wake_fd, POLLIN, 0}};
    timespec left{}, *limit = nullptr;
    if (deadline != time_point::max()) {
      auto d = std::max(duration::zero(), deadline - clock::now());
      left = {static_cast<time_t>(d.count() / 1'000'000'000), d.count() % 1'000'000'000};
      limit = &left;
    }
    int n = ppoll(fds.data(), fds.size(), limit, nullptr);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return wait_by_polling(wake_fd, deadline);
    if (fds[0].revents != 0) return wait_result::ended;
    if (fds[1].revents != 0) return wait_result::woken;
    if (deadline != time_point::max() && clock::now() >= deadline) return wait_result::timeout;
  }
}

// The intervals grow from 1 to 20 ms: short commands end soon after they started.
child_process::wait_result child_process::wait_by_polling(int wake_fd, time_point deadline) const {
  for (int interval = 1;; interval = std::min(interval * 2, 20)) {
    if (ended()) return wait_result::ended;
    if (clock::now() >= deadline) return wait_result::timeout;
    pollfd fd{wake_fd, POLLIN, 0};
    if (poll(&fd, 1, interval) > 0) return wait_result::woken;
  }
}

exit_status child_process::reap() {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  ::kill(-pid_, SIGKILL);
  int status = 0;
  pid_t reaped;
  do reaped = waitpid(pid_, &status, 0);
  while (reaped < 0 && errno == EINTR);
  pid_ = 0;
  if (reaped < 0) return {};  // reaped by code of a function that waits for any child
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

}  // namespace troupe::worker
