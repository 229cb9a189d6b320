// troupe up and troupe scheduler: a head in this process, or, detached, in one of its own.
#include "cli/up.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <mutex>

#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/text.hpp"
#include "libruntime/units.hpp"

namespace troupe::cli {
namespace {

namespace fs = std::filesystem;

struct up_flags {
  std::string file, listen, http, name;
  bool detach = false;
  int ready_descriptor = -1;  // of the process that detached us
  bool pools = true;          // false: troupe scheduler
};

void override_address(const char* flag, const std::string& text, host_port& out) {
  auto parsed = parse_host_port(text);
  if (!parsed) refuse_usage(std::string{flag} + ": " + in_quotes(text) +
                            " is not HOST:PORT, such as 127.0.0.1:7400");
  out = *parsed;
}

// What the flags say instead of the file.
void override_settings(const up_flags& f, cluster_settings& s) {
  if (!f.name.empty()) s.cluster.name = f.name;
  if (!f.listen.empty()) override_address("--listen", f.listen, s.scheduler.listen);
  if (f.http == "off") {
    s.scheduler.http.reset();
  } else if (!f.http.empty()) {
    s.scheduler.http.emplace();
    override_address("--http", f.http, *s.scheduler.http);
  }
  if (f.pools) return;
  s.pools.clear();
  s.autoscaler.signals.clear();  // they would ask for workers of pools that there are not
}

config::loaded settings_of(output& out, const up_flags& f) {
  auto loaded = load_settings(out, f.file);
  override_settings(f, loaded.settings);
  return loaded;
}

config::reader reader_for(const up_flags& f) {
  return [f](const config::document* other) {
    const auto variables = config::process_environment();
    auto loaded = other ? config::load_text(other->yaml, other->name, variables)
                        : config::load(f.file, variables);
    if (loaded) override_settings(f, loaded->settings);
    return loaded;
  };
}

// ---- in this process

std::string stamp() {
  auto now = static_cast<double>(std::time(nullptr));
  return clock_time(now, now);
}

void print_banner(output& out, const head_process& h, const cluster_settings& s) {
  out.line("Cluster " + out.paint(h.name, style::bold) + " is up");
  out.line("  address  " + h.address);
  if (!h.http.empty()) out.line("  web      http://" + h.http + "/");
  for (const auto& p : s.pools) {
    auto max = p.max ? std::to_string(*p.max) : "unlimited";
    out.line("  pool     " + p.name + ": " + std::to_string(p.min) + " to " + max + " workers (" +
             std::string{provider_type(p.provider)} + ")");
  }
  if (s.pools.empty())
    out.line("  no pools; start workers with: troupe worker --address " + h.address);
  out.line("Ctrl-C drains and stops it; a second one stops it now.");
}

void announce_ready(int descriptor, const head_process& h) {
  auto text = json{{"address", h.address}, {"http", h.http}, {"name", h.name}, {"pid", h.pid}};
  auto line = compact(text) + '\n';
  // The parent may have been interrupted; then nobody needs to know.
  (void)!::write(descriptor, line.data(), line.size());
  ::close(descriptor);
}

class pid_file {
 public:
  explicit pid_file(fs::path file) : file_(std::move(file)) {
    std::ofstream out(file_, std::ios::trunc);
    out << ::getpid() << '\n';
  }
  ~pid_file() {
    std::error_code ignored;
    fs::remove(file_, ignored);
  }
  pid_file(const pid_file&) = delete;
  pid_file& operator=(const pid_file&) = delete;

 private:
  fs::path file_;
};

// Lines about the cluster, from whichever thread. One that can't be written is no reason to stop.
class narrator {
 public:
  explicit narrator(output& out) : out_(out) {}

  template <class F>
  void say(F f) {
    std::lock_guard lock(mutex_);
    try {
      f(out_);
    } catch (const broken_pipe&) {
    } catch (const command_error&) {
    }
  }
  void stamped(const std::string& line) {
    if (out_.is_table()) say([&](output& out) { out.line(stamp() + "  " + one_line(line)); });
  }

 private:
  output& out_;
  std::mutex mutex_;
};

void tell_ready(output& out, const head_process& h, const cluster_settings& s) {
  if (out.is_json())
    out.print_compact({{"name", h.name}, {"address", h.address}, {"http", h.http}, {"pid", h.pid}});
  else if (out.is_quiet()) out.line(h.address);
  else print_banner(out, h, s);
}

exit_code run_here(context& c, const up_flags& f) {
  auto loaded = settings_of(c.out, f);
  std::unique_ptr<pid_file> pid;
  narrator story(c.out);
  head_start start;
  start.configuration = loaded;
  start.read_again = reader_for(f);
  start.on_ready = [&](const head_process& h) {
    story.say([&](output& out) { tell_ready(out, h, loaded.settings); });
    if (f.ready_descriptor >= 0) {
      pid = std::make_unique<pid_file>(h.state_dir / pid_file_name);
      announce_ready(f.ready_descriptor, h);
    }
  };
  start.on_event = [&](const std::string& line) { story.stamped(line); };
  start.on_stopping = [&](const std::string& why, bool drain) {
    story.stamped("stopping (" + why + ")" +
                  (drain ? ": running tasks may finish; Ctrl-C stops now" : ""));
  };
  auto ended = c.outside.run_head(std::move(start));
  if (!ended) request_failed("the cluster can't start: " + words_of(ended.error()));
  story.stamped(*ended == 0 ? "the cluster has ended"
                            : "some workers were not confirmed gone; they end by themselves within "
                              "their death timeout");
  return *ended == 0 ? exit_code::done : exit_code::failed;
}

// ---- in a process of its own

constexpr std::uintmax_t max_log_bytes = 10 << 20;  // then the log begins anew, with one old one kept

fs::path prepare_log(const fs::path& state_dir) {
  std::error_code error;
  fs::create_directories(state_dir, error);
  if (!error) fs::permissions(state_dir, fs::perms::owner_all, error);
  if (error) request_failed("can't make the state folder " + state_dir.string() + ": " +
                            error.message());
  auto log = state_dir / log_file_name;
  if (fs::exists(log) && fs::file_size(log, error) > max_log_bytes)
    fs::rename(log, log.string() + ".1", error);
  return log;
}

// Never returns. Only calls what is allowed between fork and exec.
[[noreturn]] void become_head(int log, char* const* argv) {
  ::setsid();
  int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv("/proc/self/exe", argv);
  ::_exit(127);
}

struct detached_head {
  pid_t pid = -1;
  int ready = -1;  // a line comes when it is up, end of file when it ends before
};

detached_head start_detached(const fs::path& log_file, std::vector<std::string> arguments) {
  int log = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) request_failed("can't write " + log_file.string() + ": " + std::strerror(errno));
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    request_failed(std::string{"can't make a pipe: "} + std::strerror(errno));
  ::fcntl(pipe[1], F_SETFD, 0);  // this end survives the exec
  arguments.push_back("--ready-descriptor=" + std::to_string(pipe[1]));
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  auto pid = ::fork();
  if (pid < 0) request_failed(std::string{"can't start a process: "} + std::strerror(errno));
  if (pid == 0) become_head(log, argv.data());
  ::close(log);
  ::close(pipe[1]);
  return {pid, pipe[0]};
}

std::string read_line(int fd) {
  std::string text;
  std::array<char, 512> part{};
  for (;;) {
    auto n = ::read(fd, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(n));
    if (text.ends_with('\n')) return text;
  }
}

// What the log got since the head was started, at most its last lines.
std::string tail_of(const fs::path& log, std::uintmax_t from) {
  constexpr std::size_t most_lines = 30;
  std::ifstream in(log);
  in.seekg(static_cast<std::streamoff>(from));
  std::string text((std::istreambuf_iterator<char>(in)), {});
  auto lines = split_lines(text);
  std::string out;
  for (std::size_t i = lines.size() > most_lines ? lines.size() - most_lines : 0; i < lines.size();
       ++i)
    out += "\n  " + lines[i];
  return out;
}

exit_code run_detached(context& c, const up_flags& f) {
  auto loaded = settings_of(c.out, f);  // mistakes are reported here, not in a log
  auto state_dir = c.outside.state_dir(loaded.settings);
  auto log = prepare_log(state_dir);
  std::error_code missing;
  auto log_begin = fs::file_size(log, missing);
  std::vector<std::string> arguments{"troupe", f.pools ? "up" : "scheduler"};
  auto add = [&](const char* flag, const std::string& text) {
    if (!text.empty()) arguments.insert(arguments.end(), {flag, text});
  };
  add("--file", f.file);
  add("--listen", f.listen);
  add("--http", f.http);
  add("--cluster-name", f.name);
  auto head = start_detached(log, std::move(arguments));
  auto line = read_line(head.ready);
  ::close(head.ready);
  auto ready = parse_json(line);
  if (!ready) {
    int status = 0;
    ::waitpid(head.pid, &status, 0);
    auto code = WIFEXITED(status) && WEXITSTATUS(status) == 2 ? exit_code::usage : exit_code::failed;
    throw command_error(code, "the cluster did not start; its log, " + log.string() + ", says:" +
                                  tail_of(log, missing ? 0 : log_begin));
  }
  if (c.out.is_json()) {
    (*ready)["log"] = log.string();
    c.out.print_json(*ready);
  } else if (c.out.is_quiet()) {
    c.out.line(text_at(*ready, "address"));
  } else {
    c.out.line("Cluster " + c.out.paint(text_at(*ready, "name"), style::bold) + " is up");
    c.out.line("  address  " + text_at(*ready, "address"));
    if (auto http = text_at(*ready, "http"); !http.empty())
      c.out.line("  web      http://" + http + "/");
    c.out.line("  process  " + std::to_string(count_at(*ready, "pid")) + ", log " + log.string());
    c.out.line("To stop it: troupe down");
  }
  return exit_code::done;
}

void add_head_command(command_line& line, CLI::App* command, bool pools) {
  auto f = std::make_shared<up_flags>();
  f->pools = pools;
  auto* file = command->add_option("-f,--file", f->file, "The cluster's YAML file")
                   ->type_name("FILE");
  if (pools) file->required();
  command->add_flag("-d,--detach", f->detach, "Return when it is up; it goes on in the background");
  command->add_option("--listen", f->listen, "Address for links, instead of the file's")
      ->type_name("HOST:PORT");
  command->add_option("--http", f->http, "Address for people and Prometheus, or off")
      ->type_name("HOST:PORT");
  command->add_option("--cluster-name", f->name, "Name of the cluster, instead of the file's")
      ->type_name("NAME");
  command->add_option("--ready-descriptor", f->ready_descriptor)->group("");
  line.run(command, [&line, f] {
    return f->detach ? run_detached(line.c, *f) : run_here(line.c, *f);
  });
}

}  // namespace

void add_up(command_line& line) {
  auto* command = line.add(
      "up", group_cluster, "Start a cluster from a YAML file",
      "  troupe up -f cluster.yaml             # here; Ctrl-C ends it\n"
      "  troupe up -f cluster.yaml --detach    # in the background; troupe down ends it\n\n"
      "A file:\n"
      "  cluster: {name: demo}\n"
      "  pools:\n"
      "    - {name: here, provider: {type: local}, min: 0, max: 4, worker: {slots: 1}}\n"
      "All options: troupe config reference. Certificates, logs and the record of the running\n"
      "cluster are in $XDG_STATE_HOME/troupe/NAME; other commands of this account find it there.");
  add_head_command(line, command, true);
}

void add_scheduler(command_line& line) {
  auto* command = line.add(
      "scheduler", group_cluster, "Start only a scheduler; workers are started by hand",
      "  troupe scheduler --listen 10.0.0.1:7400\n"
      "  troupe worker --address 10.0.0.1:7400     # on each machine\n\n"
      "Pools of the file are ignored. Workers elsewhere need the cluster's certificates: troupe\n"
      "certs issue.");
  add_head_command(line, command, false);
}

}  // namespace troupe::cli
