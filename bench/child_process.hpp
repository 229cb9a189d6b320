// A copy of this program that plays another part of a measurement: a whole cluster, or a peer of a
// reference (see peer_process.hpp).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace troupe::bench {

class child_process {
 public:
  child_process() = default;
  ~child_process() { stop(); }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  // Starts it with these arguments, and this process's environment without what concerns Troupe, plus
  // `variables` ("NAME=value"). Its output goes to `log`. Returns the line that it writes to
  // descriptor 3 when it is ready, "" if it ended without one or could not be started.
  std::string start(std::vector<std::string> arguments, std::vector<std::string> variables,
                    const std::filesystem::path& log);
  // SIGTERM, and SIGKILL 10 s later.
  void stop();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// Runs this program to its end; its exit code, or -1.
int run_program(std::vector<std::string> arguments, std::vector<std::string> variables,
                const std::filesystem::path& log);

// A folder below the system's for temporary ones, removed with everything in it.
class temporary_folder {
 public:
  temporary_folder();
  ~temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace troupe::bench
