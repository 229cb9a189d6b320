#include "bench/process_figures.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>

namespace troupe::bench {

double cpu_seconds(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/stat"};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  std::istringstream fields{text.substr(text.rfind(')') + 2)};
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, kernel = 0;
  fields >> user >> kernel;
  return (user + kernel) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double cpu_seconds_with_children(pid_t pid) {
  auto sum = cpu_seconds(pid);
  for (const auto& thread :
       std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/task"}) {
    std::ifstream children{thread.path() / "children"};
    if (!children) throw std::runtime_error("this kernel doesn't tell which processes another has started");
    for (pid_t child; children >> child;) sum += cpu_seconds_with_children(child);
  }
  return sum;
}

double resident_mib(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/statm"};
  double total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

}  // namespace troupe::bench
