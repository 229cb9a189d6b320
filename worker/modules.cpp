#include "worker/modules.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "libruntime/units.hpp"
#include "worker/call_host.hpp"
#include "worker/logs.hpp"
#include "worker/machine.hpp"
#include "worker/spawn.hpp"

namespace troupe::worker {
namespace {

constexpr const char* role_variable = "TROUPE_WORKER";
constexpr const char* modules_variable = "TROUPE_WORKER_MODULES";  // a JSON array of paths
constexpr std::size_t max_description = std::size_t{16} << 20;
constexpr std::size_t max_complaint = 4096;

result<void> load_module(const std::string& path, function_registry& functions) {
  std::error_code e;
  if (!std::filesystem::exists(path, e))
    return fail(errc::not_found, "module \"" + path + "\" does not exist");
  void* library = dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail(errc::io, "module \"" + path + "\" cannot be loaded: " + dlerror());
  auto* symbol = dlsym(library, "troupe_register");
  if (!symbol)
    return fail(errc::invalid_argument,
                "module \"" + path + "\" does not export \"troupe_register\": define extern \"C\" "
                "void troupe_register(troupe::function_registry&)");
  try {
    reinterpret_cast<void (*)(function_registry&)>(symbol)(functions);
  } catch (...) {
    return fail(errc::invalid_argument, "module \"" + path + "\" cannot register its functions: " +
                                            current_failure().message);
  }
  return {};
}

std::vector<std::string> modules_of_environment() {
  const char* text = std::getenv(modules_variable);
  if (!text) return {};
  try {
    return nlohmann::json::parse(text).get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception&) {
    return {};
  }
}

std::vector<std::string> role_environment(const char* role,
                                          const std::vector<std::string>& modules) {
  return {std::string{role_variable} + "=" + role,
          std::string{modules_variable} + "=" + nlohmann::json(modules).dump()};
}

// The program's own functions and those of its modules. Says on stderr which module it is at, because
// a crash can't.
std::optional<function_registry> all_functions(const function_registry& own) {
  auto out = own;
  for (const auto& path : modules_of_environment()) {
    std::fprintf(stderr, "loading module %s\n", path.c_str());
    if (auto loaded = load_modules({path}, out); !loaded) {
      std::fprintf(stderr, "%s\n", loaded.error().message.c_str());
      return std::nullopt;
    }
  }
  return out;
}

// Two pipes of a child, read until both end or the deadline passes.
class listener {
 public:
  listener(int out_fd, int err_fd) : fds_{out_fd, err_fd} {}

  // False: the deadline passed, or it said more than we listen to.
  bool listen(time_point deadline) {
    while (open_[0] || open_[1]) {
      std::array<pollfd, 2> polled{pollfd{open_[0] ? fds_[0] : -1, POLLIN, 0},
                                   pollfd{open_[1] ? fds_[1] : -1, POLLIN, 0}};
      auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
      if (left <= 0) return false;
      if (poll(polled.data(), polled.size(), static_cast<int>(left)) < 0 && errno != EINTR)
        return false;
      for (std::size_t i = 0; i < 2; ++i)
        if (polled[i].revents != 0) open_[i] = read_from(i);
      if (said_[0].size() > max_description) return false;
    }
    return true;
  }
  const std::string& out() const { return said_[0]; }
  // The last thing it said on stderr, in one line.
  std::string complaint() const {
    auto text = said_[1];
    while (!text.empty() && text.back() == '\n') text.pop_back();
    auto line = text.rfind('\n');
    return line == std::string::npos ? text : text.substr(line + 1);
  }

 private:
  bool read_from(std::size_t i) {
    char buffer[4096];
    auto n = read(fds_[i], buffer, sizeof buffer);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    said_[i].append(buffer, static_cast<std::size_t>(n));
    if (i == 1 && said_[i].size() > 2 * max_complaint)
      said_[i].erase(0, said_[i].size() - max_complaint);
    return n > 0;
  }

  std::array<int, 2> fds_;
  std::array<bool, 2> open_{true, true};
  std::array<std::string, 2> said_;
};

result<description> parse_description(const std::string& text, const std::string& program) {
  try {
    auto json = nlohmann::json::parse(text);
    description out;
    for (const auto& f : json.at("functions"))
      out.functions.push_back(
          {f.at("name").get<std::string>(), f.at("signature").get<std::string>()});
    for (const auto& [name, a] : json.at("resources").items())
      out.resources.set(name, a.get<amount>());
    out.memory = json.at("memory").get<std::uint64_t>();
    return out;
  } catch (const nlohmann::json::exception&) {
    return fail(errc::invalid_argument,
                "\"" + program + "\" does not say which functions it has; does its main call "
                "troupe::worker_main first?");
  }
}

}  // namespace

result<void> load_modules(const std::vector<std::string>& paths, function_registry& functions) {
  for (const auto& path : paths)
    if (auto loaded = load_module(path, functions); !loaded) return loaded;
  return {};
}

std::vector<std::string> description::function_names() const {
  std::vector<std::string> out;
  for (const auto& f : functions) out.push_back(f.name);
  return out;
}

result<description> describe(const std::vector<std::string>& program,
                             const std::vector<std::string>& modules, duration patience) {
  int out_ends[2], err_ends[2];
  if (pipe2(out_ends, O_CLOEXEC) != 0)
    return fail(errc::io, "cannot make a pipe: " + error_text(errno));
  unique_fd out{out_ends[0]}, child_out{out_ends[1]};
  if (pipe2(err_ends, O_CLOEXEC) != 0)
    return fail(errc::io, "cannot make a pipe: " + error_text(errno));
  unique_fd err{err_ends[0]}, child_err{err_ends[1]};

  spawn_request request;
  request.argv = program;
  request.stdout_fd = child_out.get();
  request.stderr_fd = child_err.get();
  request.env = role_environment("describe", modules);
  for (char** entry = environ; entry && *entry; ++entry)
    if (!std::string_view{*entry}.starts_with(role_variable)) request.env.emplace_back(*entry);
  auto child = spawn(request);
  if (!child) return tl::unexpected{std::move(child.error())};
  child_out.reset();
  child_err.reset();

  auto deadline = clock::now() + patience;
  listener said{out.get(), err.get()};
  bool whole = said.listen(deadline) &&
               child->wait(-1, deadline) == child_process::wait_result::ended;
  if (!whole) child->signal_group(SIGKILL);
  auto status = child->reap();
  auto name = "\"" + (program.empty() ? std::string{} : program.front()) + "\"";
  auto last = said.complaint().empty() ? std::string{} : "; it last said: " + said.complaint();
  if (!whole)
    return fail(errc::timed_out, name + " did not say within " + format_duration(patience) +
                                     " which functions it has" + last);
  if (status.code != 0)
    return fail(errc::invalid_argument, "asked for its functions, " + name + " " +
                                            to_string(status) + last);
  return parse_description(said.out(), program.front());
}

int print_description(const function_registry& own) {
  unique_fd answer{fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
  dup2(STDERR_FILENO, STDOUT_FILENO);
  auto functions = all_functions(own);
  if (!functions) return 1;
  nlohmann::json out;
  out["functions"] = nlohmann::json::array();
  for (const auto& name : functions->names())
    out["functions"].push_back({{"name", name}, {"signature", functions->signature(name)}});
  auto machine = detect_machine();
  out["resources"]["cpus"] = machine.cpus * one_unit;
  if (machine.gpus > 0) out["resources"]["GPU"] = machine.gpus * one_unit;
  out["memory"] = machine.memory;
  write_all(answer.get(), out.dump() + "\n");
  return 0;
}

std::optional<int> run_child_role(const function_registry& own) {
  const char* text = std::getenv(role_variable);
  std::string role = text ? text : "";
  if (role != "describe" && role != "call-host") return std::nullopt;
  unsetenv(role_variable);  // not for what the functions start
  if (role == "describe") return print_description(own);
  auto functions = all_functions(own);
  unsetenv(modules_variable);
  return functions ? run_call_host(*functions) : 1;
}

std::vector<std::string> call_host_environment(const std::vector<std::string>& modules) {
  return role_environment("call-host", modules);
}

}  // namespace troupe::worker
