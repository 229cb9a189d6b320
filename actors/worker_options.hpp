// What a worker process is told by whoever starts it, in one environment variable as JSON (nothing
// secret in it; the launch token comes in a variable of its own). No actors here.
#pragma once

#include <optional>
#include <string>

#include "libruntime/failure.hpp"
#include "libruntime/settings.hpp"

namespace troupe::actors {

struct worker_options {
  std::string address;       // of the head
  std::string certificates;  // folder; empty: no TLS
  std::string pool;
  std::string name;          // empty: the head makes one
  std::string token;         // launch token; empty: started by hand
  std::string instance;      // launch request id, for people
  std::string log_dir;       // absolute
  std::string scratch;       // absolute
  worker_settings settings;
};

// Set: this process is to be a worker. The value is encode()'s.
inline constexpr const char* worker_variable = "TROUPE_WORKER";

std::string encode(const worker_options& o);
result<worker_options> decode_worker_options(const std::string& text);

// What the environment says, removed from it so that tasks don't inherit it; nothing if this process
// was not started as a worker.
std::optional<result<worker_options>> take_worker_options_from_environment();

}  // namespace troupe::actors
