// What commands need of the world: clusters to talk to, and processes to be. The program connects
// them to the API and the actors (cli/services.cpp); tests put their own in place.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "bench/bench.hpp"
#include "config/config.hpp"
#include "libruntime/failure.hpp"
#include "libruntime/settings.hpp"
#include "troupe/client.hpp"

namespace troupe::cli {

// A job of this client, or one that it watches. Every member may throw troupe::error where the job
// was refused or the cluster is gone for good.
class job_handle {
 public:
  virtual ~job_handle() = default;
  virtual std::string id() = 0;  // waits for the head's answer
  virtual std::size_t size() = 0;
  virtual std::size_t ended() = 0;
  virtual std::size_t failed() = 0;
  // Whether everything, or the task at a position, is over; waits at most this long for it.
  virtual bool wait_for(duration d) = 0;
  virtual bool wait_task(std::size_t position, duration d) = 0;
  virtual result<value> outcome(std::size_t position) = 0;  // waits
  virtual void cancel(const std::string& reason) = 0;
};

class cluster_access {
 public:
  virtual ~cluster_access() = default;
  virtual const std::string& address() const = 0;
  virtual result<value> request(const std::string& method, const value& parameters,
                                duration timeout) = 0;
  // Returns when the cluster has taken all of it, or refused.
  virtual std::unique_ptr<job_handle> submit(job_draft draft) = 0;
  // Throws troupe::error: not_found, forbidden.
  virtual std::unique_ptr<job_handle> watch(job_id id, bool values) = 0;
};

struct connect_request {
  std::string address;       // empty: this account's latest cluster
  std::string certificates;  // folder; empty: the cluster's state folder
  duration timeout = std::chrono::seconds{5};
};

// A head of this account, as its state folder knows it.
struct head_process {
  std::string name, address, http;
  std::filesystem::path state_dir;  // empty: not on this machine, or of another account
  std::uint32_t pid = 0;
};

// A head to run in this process.
struct head_start {
  config::loaded configuration;
  config::reader read_again;                             // or another document, while it runs
  std::function<void(const head_process&)> on_ready;     // everything is up
  std::function<void(const std::string& line)> on_event; // the cluster's story, line by line
  std::function<void(const std::string& why, bool drain)> on_stopping;
};

// A worker to be, started by hand.
struct worker_start {
  std::string address, certificates, pool, name;
  worker_settings settings;
};

struct services {
  std::function<result<std::unique_ptr<cluster_access>>(const connect_request&)> connect;
  // Starts a cluster in this process, on free ports; it ends with the object.
  std::function<result<std::unique_ptr<cluster_access>>(cluster_settings)> temporary_cluster;

  // Block until the end; the exit code.
  std::function<result<int>(head_start)> run_head;
  std::function<result<int>(worker_start)> run_worker;
  // JSON: the functions that workers with these modules have.
  std::function<result<std::string>(const worker_settings&)> describe_functions;

  // Measures this build on this machine; throws std::exception.
  std::function<bench::report(const bench::options&)> measure;

  // Where a cluster of these settings keeps its state.
  std::function<std::filesystem::path(const cluster_settings&)> state_dir;
  // The head that an address (empty: the latest cluster) means; not_found if it isn't one of ours.
  std::function<result<head_process>(const std::string& address)> find_head;
  // Whether a process holds the state folder.
  std::function<bool(const std::filesystem::path& state_dir)> head_alive;
};

}  // namespace troupe::cli
