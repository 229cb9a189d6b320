// Finding the processes that a test started: by a word in their command line.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace troupe::worker {

inline std::vector<pid_t> processes_marked(const std::string& mark) {
  std::vector<pid_t> out;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    auto pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    std::ifstream in{entry.path() / "cmdline"};
    std::ostringstream line;
    line << in.rdbuf();  // empty if it ends meanwhile
    if (line.str().find(mark) != std::string::npos) out.push_back(pid);
  }
  return out;
}

inline bool lives(const std::string& mark) { return !processes_marked(mark).empty(); }

// Different in every test and run.
inline std::string unique_mark(const char* name) {
  static int serial = 0;
  return std::string{"troupe-"} + name + "-" + std::to_string(getpid()) + "-" +
         std::to_string(++serial);
}

}  // namespace troupe::worker
