// What commands need of the world: clusters to talk to, and processes to be. The program connects
// them to the API and the actors (cli/services.cpp); tests put their own in place.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "libruntime/failure.hpp"
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
  virtual std::unique_ptr<job_handle> submit(job_draft draft) = 0;
  // Throws troupe::error: not_found, forbidden.
  virtual std::unique_ptr<job_handle> watch(job_id id, bool values) = 0;
};

struct connect_request {
  std::string address;       // empty: this account's latest cluster
  std::string certificates;  // folder; empty: the cluster's state folder
  duration timeout = std::chrono::seconds{5};
};

// A head on this machine as its state folder knows it.
struct head_process {
  std::string name, address, http;
  std::filesystem::path state_dir;
  std::uint32_t pid = 0;
  bool alive = false;
};

// How a head is to run.
struct head_request {
  std::string file;                 // configuration; empty: defaults and environment only
  bool pools = true;                // false: only the scheduler (`troupe scheduler`)
  std::string listen;               // overrides the file; empty: doesn't
  int ready_descriptor = -1;        // a line is written there when it is ready, then it is closed
  std::vector<std::string> arguments;  // the command line, for the log
};

struct worker_request {
  std::string address;  // of the head
  std::string certificates;
  std::string pool, name;
  std::uint32_t slots = 0;  // 0: one for each core
  std::string resources, memory, log_dir, scratch;
  std::vector<std::string> modules;
  std::string file;       // settings of a provider's launch; empty: the options above
  bool describe = false;  // print the functions as JSON and end
};

struct services {
  std::function<result<std::unique_ptr<cluster_access>>(const connect_request&)> connect;
  // Starts a cluster from a file, in this process; it ends with the object.
  std::function<result<std::unique_ptr<cluster_access>>(const std::string& file)> temporary_cluster;
  std::function<result<head_process>(const std::string& address)> find_head;
};

}  // namespace troupe::cli
