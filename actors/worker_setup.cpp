#include "actors/worker_setup.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "worker/machine.hpp"

namespace troupe::actors {
namespace {

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::uint64_t resident_bytes() {
  std::FILE* f = std::fopen("/proc/self/statm", "re");
  if (!f) return 0;
  unsigned long total = 0, resident = 0;
  int n = std::fscanf(f, "%lu %lu", &total, &resident);
  std::fclose(f);
  return n == 2 ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

// Devices are told apart by index; other amounts are only counted.
bool is_device(const std::string& resource) { return resource == "GPU" || resource == "gpus"; }

}  // namespace

worker::executor_settings executor_settings_of(const worker_options& o) {
  worker::executor_settings e;
  e.core.slots = o.settings.slots > 0 ? o.settings.slots : worker::detect_machine().cpus;
  e.core.resources = o.settings.resources;
  e.core.resources.set("cpus", static_cast<amount>(e.core.slots) * one_unit);
  e.core.cancel_grace = o.settings.cancel_grace;
  for (const auto& [name, a] : e.core.resources.entries())
    if (is_device(name) && a % one_unit == 0) e.core.indexed.push_back(name);
  e.tasks.log_dir = o.log_dir;
  e.tasks.scratch = o.scratch;
  e.tasks.address = o.address;
  e.tasks.cancel_grace = o.settings.cancel_grace;
  e.tasks.indexed = e.core.indexed;
  return e;
}

protocol::register_worker registration_of(const worker_options& o,
                                          const worker::executor_settings& e,
                                          const function_registry& functions) {
  protocol::register_worker info;
  info.name = o.name;
  info.pool = o.pool;
  info.host = host_name();
  info.pid = static_cast<std::uint32_t>(::getpid());
  info.incarnation = new_incarnation();
  info.slots = e.core.slots;
  info.resources = e.core.resources;
  info.memory = o.settings.memory ? o.settings.memory->value : worker::detect_machine().memory;
  info.functions = functions.names();
  info.log_dir = o.log_dir;
  return info;
}

std::uint64_t new_incarnation() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random() | 1;
}

void measure(const std::string& scratch, protocol::heartbeat& h) {
  h.memory_used = resident_bytes();
  struct statvfs disk {};
  if (::statvfs(scratch.c_str(), &disk) == 0)
    h.disk_free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  double load = 0;
  if (::getloadavg(&load, 1) == 1) h.load = load;
}

}  // namespace troupe::actors
