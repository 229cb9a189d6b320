// Starting a process. posix_spawn, because this process has threads: nothing may run between fork
// and exec that could meet a lock held by a thread that isn't there.
#include <cstring>
#include <fcntl.h>
#include <map>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "providers/local/processes.hpp"

namespace troupe::providers {

namespace {

struct file_actions {
  posix_spawn_file_actions_t value{};
  file_actions() { ::posix_spawn_file_actions_init(&value); }
  file_actions(const file_actions&) = delete;
  file_actions& operator=(const file_actions&) = delete;
  ~file_actions() { ::posix_spawn_file_actions_destroy(&value); }
};

struct attributes {
  posix_spawnattr_t value{};
  attributes() { ::posix_spawnattr_init(&value); }
  attributes(const attributes&) = delete;
  attributes& operator=(const attributes&) = delete;
  ~attributes() { ::posix_spawnattr_destroy(&value); }
};

std::vector<std::string> environment(const spawn_request& request) {
  std::map<std::string, std::string> merged;
  for (char** e = ::environ; e && *e; ++e) {
    const std::string entry(*e);
    const auto equals = entry.find('=');
    if (equals != entry.npos) merged[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  for (const auto& [name, value] : request.env) merged[name] = value;
  std::vector<std::string> block;
  block.reserve(merged.size());
  for (const auto& [name, value] : merged) block.push_back(name + "=" + value);
  return block;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> p;
  p.reserve(strings.size() + 1);
  for (auto& s : strings) p.push_back(s.data());
  p.push_back(nullptr);
  return p;
}

provider_failure cannot_start(const spawn_request& request, int error) {
  auto text = "can't start " + request.argv.front();
  if (!request.working_directory.empty()) text += " in " + request.working_directory;
  text += std::string(": ") + std::strerror(error);
  switch (error) {
    case EAGAIN:
    case ENOMEM:
      return {failure_class::no_capacity, text, {}};
    case EMFILE:
    case ENFILE:
      return {failure_class::transient, text, {}};
    default:
      return {failure_class::invalid_request, text, {}};
  }
}

}  // namespace

answer<pid_t> spawn(const spawn_request& request) {
  if (request.argv.empty() || request.argv.front().empty())
    return refuse(failure_class::invalid_request, "no program to start");
  const owned_fd output(
      ::open(request.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!output)
    return refuse(failure_class::transient,
                  "can't write " + request.output.string() + ": " + std::strerror(errno));

  file_actions actions;
  ::posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions.value, output.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions.value, output.get(), 2);
  ::posix_spawn_file_actions_addclosefrom_np(&actions.value, 3);
  if (!request.working_directory.empty())
    ::posix_spawn_file_actions_addchdir_np(&actions.value, request.working_directory.c_str());

  attributes attr;
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attr.value, &none);
  ::posix_spawnattr_setsigdefault(&attr.value, &all);
  ::posix_spawnattr_setflags(
      &attr.value,
      static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  auto argv_strings = request.argv;
  auto env_strings = environment(request);
  auto argv = pointers(argv_strings);
  auto env = pointers(env_strings);
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, argv[0], &actions.value, &attr.value, argv.data(), env.data());
  if (error != 0) return tl::unexpected<provider_failure>(cannot_start(request, error));
  return pid;
}

}  // namespace troupe::providers
