// The head: scheduler, autoscaler and one manager a pool in an actor system, with state folder,
// certificates and listeners around them. What `troupe up`, troupe::cluster and programs with an
// actor system of their own all start.
//
// Thread-safety: construction, stop() and destruction by one thread that isn't an actor's; the rest
// from anywhere.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <caf/actor_system.hpp>

#include "actors/interfaces.hpp"
#include "config/config.hpp"
#include "libruntime/function_registry.hpp"
#include "libruntime/settings.hpp"
#include "net/http.hpp"
#include "net/listener.hpp"

namespace troupe::actors {

inline constexpr const char* software_name = "troupe/0.1.0";

class head;

struct head_options {
  cluster_settings settings;
  // Where the settings came from, for `config.show`, and how to read the cluster's file, or a text in
  // its place, while it runs; without the latter the configuration stays as it is.
  std::map<std::string, option_origin> origins;
  config::reader read_config;
  bool listen = true;       // false: only for this process (workers are threads)
  bool announce = true;     // as this account's latest cluster
  // Functions of workers in this process (provider threads), and of workers that are this program
  // executed again; may be null.
  const function_registry* functions = nullptr;
  // What worker processes run: empty: this program, with `arguments`.
  std::vector<std::string> worker_arguments;
  // Answers HTTP requests that aren't links, on both ports; absent: 404.
  std::function<net::http_handler(head&)> http;
  // Somebody asked over the link for the end; called on an actor's thread.
  std::function<void(bool drain)> on_shutdown;
};

class head {
 public:
  // Everything is up when it returns: ports are open, pools begin to fill. Failures name the port,
  // folder or setting.
  static result<std::unique_ptr<head>> start(caf::actor_system& system, head_options options);
  ~head();  // stop(false, 5 s) unless stopped

  // Takes nothing new. With `drain`, running tasks may finish; then, or after `patience`, workers are
  // stopped, and it returns when the last instance is confirmed gone. False: some were not within 15
  // seconds more; they end by themselves within their death timeout.
  bool stop(bool drain, std::chrono::nanoseconds patience);

  // Ends the patience of a stop() that is draining in another thread.
  void stop_now();

  // Reads the cluster's file again and takes over what may change while it runs. What came of it is
  // told as events.
  void reload();

  const scheduler_actor& scheduler() const;
  const autoscaler_actor& autoscaler() const;
  caf::actor_system& system() const;
  const cluster_settings& settings() const;  // that it was started with
  std::string address() const;  // "127.0.0.1:7400"; empty: doesn't listen
  std::string http_address() const;
  std::string cluster_id() const;
  epoch_id epoch() const;
  std::filesystem::path state_dir() const;
  bool stopping() const;
  net::listen_counters counters() const;

 private:
  struct impl;
  explicit head(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

// The configuration of an actor system that runs Troupe's actors well: woken up without polling.
// `set` more on it before making the system.
class system_config : public caf::actor_system_config {
 public:
  system_config();
};

}  // namespace troupe::actors
