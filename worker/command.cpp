#include "worker/command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <optional>
#include <thread>

#include "libruntime/units.hpp"
#include "worker/logs.hpp"
#include "worker/memory_group.hpp"
#include "worker/process_tree.hpp"
#include "worker/spawn.hpp"
#include "worker/stop_event.hpp"

namespace troupe::worker {
namespace {

constexpr std::size_t quoted_lines = 10;
constexpr std::size_t quoted_bytes = 2048;

// Nil, or a map with "entry".
result<std::optional<std::string>> entry_of(const value& arguments) {
  if (arguments.is_nil()) return std::nullopt;
  try {
    auto map = arguments.as<std::map<std::string, std::string>>();
    auto entry = map.find("entry");
    if (entry == map.end()) return std::nullopt;
    return std::move(entry->second);
  } catch (const std::exception&) {
    return fail(errc::invalid_argument,
                "the arguments of a command are not nil or a map of strings with \"entry\"");
  }
}

// A file in memory that ends where the data ends: nobody has to feed a pipe.
result<unique_fd> stdin_with(const std::string& data) {
  if (data.empty()) return unique_fd{};
  unique_fd fd{memfd_create("troupe-stdin", MFD_CLOEXEC)};
  std::size_t done = 0;
  while (fd && done < data.size()) {
    auto n = pwrite(fd.get(), data.data() + done, data.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  if (!fd || done < data.size())
    return fail(errc::io, "cannot hold the command's input: " + error_text(errno));
  return fd;
}

// The last lines of a text, bounded.
std::string last_lines(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  std::size_t at = text.size();
  for (std::size_t lines = 0; lines < quoted_lines && at != std::string::npos && at > 0; ++lines)
    at = text.rfind('\n', at - 1);
  return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

std::uint64_t written_to(const log_file& log) {
  struct stat s {};
  if (fstat(log.fd.get(), &s) != 0) return 0;
  auto size = static_cast<std::uint64_t>(s.st_size);
  return size > log.begin ? size - log.begin : 0;
}

class command_run {
 public:
  command_run(const start_order& order, const stop_control& stop, const task_settings& settings,
              const task_environment& environment)
      : order_(order), stop_(stop), settings_(settings), environment_(environment) {}

  result<value> run();

 private:
  result<void> prepare(const std::string* entry);
  exit_status await(child_process& child);
  void end_remains(pid_t group);
  result<value> conclude(exit_status status);
  void remove_if_empty(const log_file& log, log_stream s);

  const start_order& order_;
  const stop_control& stop_;
  const task_settings& settings_;
  const task_environment& environment_;
  spawn_request request_;
  unique_fd stdin_;
  log_file out_, err_;
  std::optional<memory_group> group_;
};

result<value> command_run::run() {
  auto entry = entry_of(order_.arguments);
  if (!entry) return tl::unexpected{std::move(entry.error())};
  if (auto ready = prepare(*entry ? &**entry : nullptr); !ready)
    return tl::unexpected{std::move(ready.error())};
  auto child = spawn(request_);
  if (!child) {
    remove_if_empty(out_, log_stream::out);
    remove_if_empty(err_, log_stream::err);
    return tl::unexpected{std::move(child.error())};
  }
  auto pid = child->pid();
  auto status = await(*child);
  end_remains(pid);
  return conclude(status);
}

result<void> command_run::prepare(const std::string* entry) {
  const auto& command = order_.spec->command;
  for (const auto& arg : command.argv) request_.argv.push_back(with_entry(arg, entry));
  request_.env = environment_.of(order_, entry);
  request_.cwd = command.cwd.empty() ? settings_.scratch.string() : with_entry(command.cwd, entry);
  auto in = stdin_with(with_entry(command.stdin_data, entry));
  if (!in) return tl::unexpected{std::move(in.error())};
  stdin_ = std::move(*in);
  auto out = open_log(settings_.log_dir, order_.task, log_stream::out, order_.attempt);
  if (!out) return tl::unexpected{std::move(out.error())};
  auto err = open_log(settings_.log_dir, order_.task, log_stream::err, order_.attempt);
  if (!err) return tl::unexpected{std::move(err.error())};
  out_ = std::move(*out);
  err_ = std::move(*err);
  request_.stdin_fd = stdin_.get();
  request_.stdout_fd = out_.fd.get();
  request_.stderr_fd = err_.fd.get();
  if (auto limit = order_.spec->options.memory_limit; limit > 0) {
    group_ = memory_group::make(to_string(order_.task), limit);
    if (group_) request_.cgroup_procs_fd = group_->procs_fd();
    else request_.data_limit = limit;
  }
  return {};
}

// SIGTERM to the group when asked to stop, SIGKILL after the grace.
exit_status command_run::await(child_process& child) {
  using enum child_process::wait_result;
  stop_event asked{stop_};
  if (child.wait(asked.fd(), time_point::max()) == woken) {
    child.signal_group(SIGTERM);
    if (child.wait(-1, clock::now() + settings_.cancel_grace) == timeout)
      child.signal_group(SIGKILL);
  }
  return child.reap();  // and with it the rest of the group
}

// Daemons that left the group were orphaned, and inherited by the guardian, when their last parent in
// the group ended: so first the group must be gone.
void command_run::end_remains(pid_t group) {
  auto patience = std::chrono::milliseconds{settings_.guardian > 0 ? 2000 : 100};
  auto deadline = clock::now() + patience;
  while (::kill(-group, 0) == 0 && clock::now() < deadline) {
    ::kill(-group, SIGKILL);
    std::this_thread::sleep_for(std::chrono::microseconds{200});
  }
  if (settings_.guardian > 0)
    end_orphans(settings_.guardian, getpid(), task_environment::marks_of(order_), deadline);
}

result<value> command_run::conclude(exit_status status) {
  exec_result r;
  r.exit_code = status.code;
  r.signal = status.signal;
  auto out_size = written_to(out_), err_size = written_to(err_);
  bool failed = status.code != 0;
  if (failed) {
    auto from = err_size > quoted_bytes ? err_size - quoted_bytes : 0;
    auto tail = last_lines(read_at(err_.fd.get(), err_.begin + from, quoted_bytes));
    remove_if_empty(out_, log_stream::out);
    remove_if_empty(err_, log_stream::err);
    if (stop_.reason() != stop_reason::none)
      return fail(errc::cancelled, "the command was ended");
    auto text =
        to_string(status) + about_memory(group_, order_.spec->options.memory_limit, status);
    return fail(errc::task_error, tail.empty() ? text : text + ": " + tail);
  }
  r.stdout_data = read_at(out_.fd.get(), out_.begin, settings_.capture);
  r.stderr_data = read_at(err_.fd.get(), err_.begin, settings_.capture);
  r.truncated = out_size > r.stdout_data.size() || err_size > r.stderr_data.size();
  remove_if_empty(out_, log_stream::out);
  remove_if_empty(err_, log_stream::err);
  return encode(r);
}

// A million silent commands should not leave two million empty files.
void command_run::remove_if_empty(const log_file& log, log_stream s) {
  struct stat info {};
  if (fstat(log.fd.get(), &info) == 0 && info.st_size == 0)
    ::unlink(log_path(settings_.log_dir, order_.task, s).c_str());
}

}  // namespace

result<value> run_command(const start_order& order, const stop_control& stop,
                          const task_settings& settings, const task_environment& environment) {
  return command_run{order, stop, settings, environment}.run();
}

}  // namespace troupe::worker
