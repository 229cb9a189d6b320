// Functions for the system tests, as a module: they sleep, leave traces that can be counted, and die
// on purpose. What a trace file holds was done, however often the cluster says so.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "libruntime/function_registry.hpp"

namespace {

using troupe::task_context;

void sleep_for(const task_context& context, double seconds) {
  using namespace std::chrono;
  auto end = steady_clock::now() + duration_cast<nanoseconds>(duration<double>(seconds));
  for (auto now = steady_clock::now(); now < end; now = steady_clock::now()) {
    context.check_cancelled();
    std::this_thread::sleep_for(std::min<nanoseconds>(end - now, 20ms));
  }
}

// One line, written whole: O_APPEND writes of this size don't mix.
void leave_trace(const std::string& file, const std::string& text) {
  int fd = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), file);
  auto line = text + "\n";
  auto written = write(fd, line.data(), line.size());
  close(fd);
  if (written != static_cast<ssize_t>(line.size())) throw std::runtime_error("short write: " + file);
}

double nap(task_context& context, double seconds) {
  sleep_for(context, seconds);
  return seconds;
}

// Sleeps, then returns its number; `started N ATTEMPT` and `finished N ATTEMPT` go to the file.
std::int64_t traced(task_context& context, const std::string& file, std::int64_t number,
                    double seconds) {
  auto who = std::to_string(number) + " " + std::to_string(context.attempt());
  leave_trace(file, "started " + who);
  sleep_for(context, seconds);
  leave_trace(file, "finished " + who);
  return number;
}

// Sleeps; `started INDEX` and `finished INDEX` of its own job go to the worker's TRACE_FILE.
double stamped(task_context& context, double seconds) {
  const char* file = std::getenv("TRACE_FILE");
  if (file == nullptr) throw std::runtime_error("the worker has no TRACE_FILE");
  auto who = std::to_string(context.task().index) + " " + std::to_string(context.attempt());
  leave_trace(file, "started " + who);
  sleep_for(context, seconds);
  leave_trace(file, "finished " + who);
  return seconds;
}

std::string echo(const std::string& text) { return text; }

std::string fill(std::uint64_t bytes) { return std::string(bytes, 'x'); }

void crash() { kill(getpid(), SIGKILL); }

void fail(const std::string& message) { throw std::runtime_error(message); }

}  // namespace

extern "C" void troupe_register(troupe::function_registry& functions) {
  functions.add("test.nap", &nap);
  functions.add("test.traced", &traced);
  functions.add("test.stamped", &stamped);
  functions.add("test.echo", &echo);
  functions.add("test.fill", &fill);
  functions.add("test.crash", &crash);
  functions.add("test.fail", &fail);
}
