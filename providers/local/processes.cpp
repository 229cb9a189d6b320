// See processes.hpp. Reading /proc is a race by nature: whatever vanishes while it is read is gone.
#include "providers/local/processes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <set>
#include <signal.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>

namespace troupe::providers {

namespace {

// Of /proc, whose files have no size; empty when it can't be read.
std::string read_all(const std::string& file) {
  const owned_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> chunk;
  for (;;) {
    const auto n = ::read(fd.get(), chunk.data(), chunk.size());
    if (n <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

struct tags {
  request_id request;
  std::string pool;
};

// Of an environment block: NAME=VALUE\0NAME=VALUE\0…
std::optional<tags> tags_of(const std::string& environment, const std::string& cluster) {
  tags found;
  bool ours = false;
  for (std::size_t at = 0; at < environment.size();) {
    const auto end = std::min(environment.find('\0', at), environment.size());
    const std::string_view entry(environment.data() + at, end - at);
    at = end + 1;
    const auto equals = entry.find('=');
    if (equals == entry.npos) continue;
    const auto name = entry.substr(0, equals);
    const auto value = entry.substr(equals + 1);
    if (name == env_cluster) ours = value == cluster;
    if (name == env_instance) found.request = value;
    if (name == env_pool) found.pool = value;
  }
  if (!ours || found.request.empty()) return {};
  return found;
}

// /proc/PID/stat: "pid (name) state ppid pgrp session …"; the name may hold anything, so count from its end.
bool read_stat(const std::string& folder, seen_process& p) {
  const auto text = read_all(folder + "/stat");
  const auto close = text.rfind(')');
  if (close == text.npos || close + 2 >= text.size()) return false;
  if (text[close + 2] == 'Z' || text[close + 2] == 'X') return false;
  std::size_t field = 3;  // of the state
  for (auto at = text.find(' ', close + 2); at != text.npos; at = text.find(' ', at + 1)) {
    ++field;
    const char* begin = text.data() + at + 1;
    const char* end = text.data() + text.size();
    if (field == 4) std::from_chars(begin, end, p.parent);
    if (field == 6) std::from_chars(begin, end, p.session);
    if (field == 22) return std::from_chars(begin, end, p.started).ec == std::errc{};
  }
  return false;
}

std::optional<pid_t> parse_pid(const char* name) {
  pid_t pid = 0;
  const auto end = name + std::char_traits<char>::length(name);
  const auto r = std::from_chars(name, end, pid);
  if (r.ec != std::errc{} || r.ptr != end) return {};
  return pid;
}

}  // namespace

owned_fd::~owned_fd() {
  if (fd_ >= 0) ::close(fd_);
}

std::vector<seen_process> scan_processes(const std::string& cluster) {
  std::vector<seen_process> all;
  DIR* proc = ::opendir("/proc");
  if (!proc) return all;
  const auto self = ::geteuid();
  while (const auto* entry = ::readdir(proc)) {
    const auto pid = parse_pid(entry->d_name);
    if (!pid || *pid == ::getpid()) continue;
    const auto folder = "/proc/" + std::to_string(*pid);
    struct stat st {};
    if (::stat(folder.c_str(), &st) != 0 || (self != 0 && st.st_uid != self)) continue;
    seen_process p;
    p.pid = *pid;
    if (!read_stat(folder, p)) continue;
    if (auto t = tags_of(read_all(folder + "/environ"), cluster)) {
      p.request = std::move(t->request);
      p.pool = std::move(t->pool);
    }
    all.push_back(std::move(p));
  }
  ::closedir(proc);
  return all;
}

std::vector<pid_t> tree_of(const std::vector<seen_process>& all, const request_id& request,
                           pid_t leader) {
  std::unordered_map<pid_t, std::vector<pid_t>> children;
  std::set<pid_t> sessions;
  if (leader != 0) sessions.insert(leader);
  for (const auto& p : all) {
    children[p.parent].push_back(p.pid);
    if (p.request == request) sessions.insert(p.session);
  }
  std::vector<pid_t> tree;
  std::set<pid_t> in_tree;
  for (const auto& p : all)
    if ((p.request == request || sessions.count(p.session)) && in_tree.insert(p.pid).second)
      tree.push_back(p.pid);
  for (std::size_t i = 0; i < tree.size(); ++i)
    for (auto child : children[tree[i]])
      if (in_tree.insert(child).second) tree.push_back(child);
  return tree;
}

owned_fd open_process(pid_t pid) {
  return owned_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

owned_fd open_tagged(pid_t pid, const std::string& cluster, const request_id& request) {
  auto handle = open_process(pid);
  // Looked at after opening: if the pid had been reused before, the tags show it.
  const auto t = tags_of(read_all("/proc/" + std::to_string(pid) + "/environ"), cluster);
  if (!handle || !t || t->request != request) return owned_fd{};
  return handle;
}

void signal_process(const owned_fd& process, int signal) {
  // Fails only when it is gone already, which is what was wanted.
  if (process) ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0);
}

bool kill_trees(const std::string& cluster, const std::map<request_id, pid_t>& requests,
                duration limit) {
  const auto until = clock::now() + limit;
  for (auto pause = std::chrono::milliseconds{1};;
       pause = std::min(pause * 2, std::chrono::milliseconds{50})) {
    const auto all = scan_processes(cluster);
    std::unordered_map<pid_t, std::uint64_t> started;
    for (const auto& p : all) started[p.pid] = p.started;
    bool found = false;
    for (const auto& [request, leader] : requests)
      for (auto pid : tree_of(all, request, leader)) {
        found = true;
        const auto handle = open_process(pid);
        seen_process again;
        if (read_stat("/proc/" + std::to_string(pid), again) && again.started == started[pid])
          signal_process(handle, SIGKILL);
      }
    if (!found) return true;
    if (clock::now() >= until) return false;
    std::this_thread::sleep_for(pause);  // until the kernel has let go of them
  }
}

std::string last_lines(const std::filesystem::path& file, std::size_t lines, std::size_t bytes) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::size_t>(std::max<std::streamoff>(in.tellg(), 0));
  const auto take = std::min(size, bytes);
  std::string text(take, '\0');
  in.seekg(static_cast<std::streamoff>(size - take));
  in.read(text.data(), static_cast<std::streamsize>(take));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (size > take)  // begin with a whole line, if there is one
    if (auto at = text.find('\n'); at != text.npos && at + 1 < text.size()) text.erase(0, at + 1);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t newlines = 0, begin = text.size();
  while (begin > 0 && (text[begin - 1] != '\n' || ++newlines < lines)) --begin;
  text.erase(0, begin);
  for (auto& c : text) {  // it ends in logs, terminals and JSON
    const auto u = static_cast<unsigned char>(c);
    if ((u < 0x20 && c != '\n' && c != '\t') || u >= 0x7f) c = '?';
  }
  return text;
}

}  // namespace troupe::providers
