// What every command has at hand: where to write, the options all commands share, and the cluster,
// connected to when first asked for. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/errors.hpp"
#include "cli/json_value.hpp"
#include "cli/output.hpp"
#include "cli/services.hpp"
#include "config/config.hpp"

namespace troupe::cli {

struct common_options {
  std::string address;       // of --address; empty: TROUPE_ADDRESS, else the latest cluster
  std::string certificates;  // of --certs; empty: TROUPE_CERTS, else the cluster's state folder
};

class context {
 public:
  context(output& o, services& s) : out(o), outside(s) {}

  output& out;
  services& outside;
  common_options common;
  std::vector<std::string> trailing;  // what stood after "--"

  // Connects; no_cluster where nobody is reached.
  cluster_access& cluster();
  // From now on `cluster()` is one that is started from this file and ends with this object.
  void use_temporary_cluster(const std::string& file);
  // Ends the connection, and the temporary cluster if there is one.
  void release_cluster() { cluster_.reset(); }

  // A control request; a failed one ends the command. JSON objects in and out.
  json ask(const std::string& method, const json& parameters = json::object(),
           duration timeout = std::chrono::seconds{10});

 private:
  std::unique_ptr<cluster_access> cluster_;
};

// A cluster's configuration (empty: what holds without a file); bad usage with every problem of it.
config::loaded load_settings(output& out, const std::string& file);

// Where an address comes from, in words: "--address", "TROUPE_ADDRESS", "the latest cluster".
struct chosen_address {
  std::string address, origin;
};
chosen_address choose_address(const common_options& o);

// How a failure of a request or task is said: its words, then its code in brackets.
std::string words_of(const failure& f);
// Unavailable clusters end a command with no_cluster, everything else with failed.
[[noreturn]] void throw_failure(const failure& f);

}  // namespace troupe::cli
