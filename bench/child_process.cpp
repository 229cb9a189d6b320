#include "bench/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

extern char** environ;

namespace troupe::bench {
namespace {

using namespace std::chrono_literals;

std::string read_line(int fd) {
  std::string line;
  char c = 0;
  for (;;) {
    auto n = ::read(fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || c == '\n') return line;
    line += c;
  }
}

bool concerns_troupe(const char* variable) {
  return std::strncmp(variable, "TROUPE_", 7) == 0 ||
         std::strncmp(variable, "XDG_STATE_HOME=", 15) == 0;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

// -1 if it can't be started. `ready`, if there is one, becomes its descriptor 3.
pid_t spawn_this_program(std::vector<std::string> arguments, std::vector<std::string> variables,
                         const std::filesystem::path& log, int ready) {
  for (char** e = environ; *e; ++e)
    if (!concerns_troupe(*e)) variables.emplace_back(*e);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  if (ready >= 0) posix_spawn_file_actions_adddup2(&actions, ready, 3);
  pid_t pid = -1;
  auto problem = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr,
                               pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  return problem == 0 ? pid : -1;
}

}  // namespace

std::string child_process::start(std::vector<std::string> arguments,
                                 std::vector<std::string> variables,
                                 const std::filesystem::path& log) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("can't make a pipe");
  pid_ = spawn_this_program(std::move(arguments), std::move(variables), log, pipe[1]);
  ::close(pipe[1]);
  auto line = pid_ > 0 ? read_line(pipe[0]) : "";
  ::close(pipe[0]);
  return line;
}

int run_program(std::vector<std::string> arguments, std::vector<std::string> variables,
                const std::filesystem::path& log) {
  auto pid = spawn_this_program(std::move(arguments), std::move(variables), log, -1);
  int status = 0;
  if (pid <= 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

void child_process::stop() {
  if (pid_ <= 0) return;
  auto pid = std::exchange(pid_, -1);
  ::kill(pid, SIGTERM);
  for (int i = 0; i < 500; ++i) {
    if (::waitpid(pid, nullptr, WNOHANG) == pid) return;
    std::this_thread::sleep_for(20ms);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

temporary_folder::temporary_folder() {
  auto name = (std::filesystem::temp_directory_path() / "troupe-bench-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("can't make a folder like " + name);
  path_ = name;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace troupe::bench
