#include "bench/cluster_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/functions.hpp"

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

// This process's environment without a cluster's address, with a state folder of its own.
std::vector<std::string> environment(const std::filesystem::path& folder) {
  std::vector<std::string> out;
  for (char** e = environ; *e; ++e)
    if (std::strncmp(*e, "TROUPE_", 7) != 0 && std::strncmp(*e, "XDG_STATE_HOME=", 15) != 0)
      out.emplace_back(*e);
  out.push_back("XDG_STATE_HOME=" + folder.string());
  out.push_back(std::string{functions_variable} + "=1");
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

cluster_process::cluster_process(const cluster_shape& shape) {
  auto name = (std::filesystem::temp_directory_path() / "troupe-bench-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("can't make a folder in /tmp");
  folder_ = name;
  std::ofstream{folder_ / "cluster.yaml"}
      << "cluster: {name: bench}\n"
      << "scheduler: {listen: \"127.0.0.1:0\", http: \"127.0.0.1:0\"}\n"
      << "pools:\n  - name: bench\n    provider: {type: local}\n"
      << "    min: " << shape.min << "\n    max: " << shape.max << "\n"
      << "    worker: {slots: " << shape.slots << "}\n";
  try {
    start();
    wait_for_workers(shape.min);
  } catch (...) {
    stop();
    throw;
  }
}

void cluster_process::start() {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("can't make a pipe");
  auto log = (folder_ / "head.log").string();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], 3);
  std::vector<std::string> arguments{"troupe", "up", "-f", (folder_ / "cluster.yaml").string(),
                                     "--ready-descriptor=3"};
  auto variables = environment(folder_);
  auto problem = ::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr,
                               pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) pid_ = -1;
  ::close(pipe[1]);
  auto line = problem == 0 ? read_line(pipe[0]) : "";
  ::close(pipe[0]);
  auto ready = nlohmann::json::parse(line, nullptr, false);
  if (ready.is_object()) {
    address_ = ready.value("address", "");
    return;
  }
  std::ifstream in{log};
  std::string words{std::istreambuf_iterator<char>{in}, {}};
  throw std::runtime_error("the cluster to measure did not start: " + words);
}

cluster_process::~cluster_process() { stop(); }

void cluster_process::stop() {
  if (pid_ > 0) ::kill(pid_, SIGTERM);
  for (int i = 0; pid_ > 0 && i < 200; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      break;
    }
    std::this_thread::sleep_for(50ms);
  }
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

client cluster_process::connect() const {
  connect_options o;
  o.address = address_;
  o.certificates = folder_ / "troupe" / "bench" / "certs";
  o.name = "bench";
  return client::connect(o);
}

void cluster_process::wait_for_workers(std::uint32_t n) const {
  auto c = connect();
  for (int i = 0; i < 400; ++i) {
    auto answer = value_or_throw(c.request("status"));
    auto bytes = answer.data();
    auto status = nlohmann::json::from_msgpack(bytes.begin(), bytes.end());
    if (status.value("workers", 0u) >= n) return;
    std::this_thread::sleep_for(50ms);
  }
  throw std::runtime_error("no worker came within 20 s");
}

}  // namespace troupe::bench
