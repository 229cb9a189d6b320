#include "worker/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <thread>

#include "worker/unique_fd.hpp"

namespace troupe::worker {
namespace {

std::string read_all(const std::string& path) {
  std::string out;
  unique_fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return out;
  char buffer[8192];
  for (ssize_t n; (n = read(fd.get(), buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(n));
  return out;
}

struct close_dir {
  void operator()(DIR* d) const { closedir(d); }
};

// The entries of a /proc folder that are numbers.
std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> out;
  std::unique_ptr<DIR, close_dir> dir{opendir(folder.c_str())};
  if (!dir) return out;
  while (const auto* entry = readdir(dir.get())) {
    std::string_view name{entry->d_name};
    pid_t number = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) out.push_back(number);
  }
  return out;
}

}  // namespace

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> out;
  auto tasks = "/proc/" + std::to_string(pid) + "/task";
  for (auto thread : numbers_in(tasks)) {
    auto text = read_all(tasks + "/" + std::to_string(thread) + "/children");
    for (const char* at = text.c_str(); *at != '\0';) {
      char* end = nullptr;
      auto child = std::strtol(at, &end, 10);
      if (end == at) break;
      out.push_back(static_cast<pid_t>(child));
      at = *end == ' ' ? end + 1 : end;
    }
  }
  return out;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  auto out = children_of(pid);
  for (std::size_t i = 0; i < out.size(); ++i) {
    auto below = children_of(out[i]);
    for (auto p : below)
      if (std::find(out.begin(), out.end(), p) == out.end()) out.push_back(p);
  }
  return out;
}

bool has_environment(pid_t pid, const std::vector<std::string>& entries) {
  auto text = read_all("/proc/" + std::to_string(pid) + "/environ");
  return !text.empty() && std::all_of(entries.begin(), entries.end(), [&](const auto& entry) {
    for (std::size_t at = text.find(entry); at != std::string::npos;
         at = text.find(entry, at + 1)) {
      bool starts = at == 0 || text[at - 1] == '\0';
      auto end = at + entry.size();
      if (starts && (end == text.size() || text[end] == '\0')) return true;
    }
    return false;
  });
}

std::vector<pid_t> processes_with(const std::vector<std::string>& entries) {
  std::vector<pid_t> out;
  for (auto pid : numbers_in("/proc"))
    if (has_environment(pid, entries)) out.push_back(pid);
  return out;
}

void kill_tree(pid_t pid) {
  auto below = descendants_of(pid);
  ::kill(pid, SIGKILL);
  for (auto p : below) ::kill(p, SIGKILL);
}

bool end_orphans(pid_t reaper, pid_t except, const std::vector<std::string>& entries,
                 time_point deadline) {
  // Killing one may orphan the next: look again until none is left.
  for (;;) {
    bool any = false;
    for (auto child : children_of(reaper)) {
      if (child == except || !has_environment(child, entries)) continue;
      kill_tree(child);
      any = true;
    }
    if (!any) return true;
    if (clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

}  // namespace troupe::worker
