// What a cluster manager needs from whatever gives it machines or processes: launch, list,
// terminate, and to be told when an instance has ended.
//
// Every call returns at once and is answered exactly once, from any thread, possibly before it has
// returned. A provider never retries by itself and never touches an instance that doesn't carry
// its cluster's id. Failures are typed, because they change what the cluster manager does next.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "libruntime/ids.hpp"
#include "libruntime/time.hpp"

namespace troupe::providers {

enum class failure_class : std::uint8_t {
  no_capacity,           // none of this kind now; somewhere else or later
  quota,                 // the account's limit; until somebody raises it or something ends
  throttled,             // too many calls; not before `retry_after`
  rejected_credentials,  // until somebody changes them
  invalid_request,       // until somebody changes the configuration
  ambiguous,             // it may have happened: `list` will tell
  transient,             // it has not happened, and may work next time
};
std::string_view to_string(failure_class c);  // "no_capacity"

struct provider_failure {
  failure_class kind = failure_class::transient;
  std::string message;     // for people: names the thing and what to do
  duration retry_after{};  // of `throttled`
};

template <class T>
using answer = tl::expected<T, provider_failure>;
template <class T>
using reply = std::function<void(answer<T>)>;

inline tl::unexpected<provider_failure> refuse(failure_class kind, std::string message,
                                               duration retry_after = {}) {
  return tl::unexpected<provider_failure>(provider_failure{kind, std::move(message), retry_after});
}

// Chosen by the cluster manager before the call, unique in the cluster's life. The instance carries
// it, so that a lost answer, a restart or a reconnect can be matched to its launch.
using request_id = std::string;
using instance_id = std::string;  // chosen by the provider, unique among its instances

struct launch_item {
  request_id request;
  std::string token;  // secret, single use: the worker proves with it which launch it is
};

// How the worker is started: what a provider runs, wherever it runs it.
struct worker_command {
  std::vector<std::string> argv;  // argv[0] is a path, or looked up in PATH
  std::vector<std::pair<std::string, std::string>> env;
  std::string working_directory;  // empty: the provider's choice
};

// Environment variables by which a worker knows who it is, and by which local instances are found
// again. The token is for the worker alone: it must not pass it on to its tasks.
inline constexpr std::string_view env_cluster = "TROUPE_CLUSTER";
inline constexpr std::string_view env_pool = "TROUPE_POOL";
inline constexpr std::string_view env_instance = "TROUPE_INSTANCE";  // the request id
inline constexpr std::string_view env_token = "TROUPE_LAUNCH_TOKEN";

struct launch_request {
  std::string cluster;  // id, not name
  std::string pool;
  std::vector<launch_item> items;
  worker_command command;
  std::vector<std::pair<std::string, std::string>> labels;  // shown where the provider shows any
};

enum class instance_state : std::uint8_t { starting, running, stopping };

struct instance {
  instance_id id;
  request_id request;
  std::string pool;
  instance_state state = instance_state::running;
  std::string host;       // where, for people
  std::uint32_t pid = 0;  // of a local process
};

// One outcome an item, in the order of the request.
struct launch_outcome {
  request_id request;
  answer<instance> result;
};
struct launched {
  std::vector<launch_outcome> outcomes;
};
struct done {};

// An instance has ended. `expected` when terminate asked for it.
struct instance_end {
  instance_id id;
  request_id request;
  std::string pool;
  bool expected = false;
  std::optional<int> exit_code;  // it exited
  std::optional<int> signal;     // a signal ended it
  std::string reason;            // "exited with status 3", "killed by signal 9"
  std::string last_lines;        // of its stderr: at most 20 lines, at most 4 KiB
};
// "exited with status 3; its last output:\n…"
std::string describe(const instance_end& end);

using end_handler = std::function<void(const instance_end&)>;

class provider {
 public:
  virtual ~provider() = default;

  // Starts one instance an item. A failure of the whole call is a failure of each item; of the
  // class `ambiguous`, some may exist. `deadline`: when the caller gives up on the answer.
  virtual void launch(launch_request request, time_point deadline, reply<launched> done_with) = 0;
  // All living instances that carry the cluster's id, whichever head started them.
  virtual void list(time_point deadline, reply<std::vector<instance>> done_with) = 0;
  // Ends them: asked first, then by force. Idempotent; ids that aren't known are fine. The answer
  // says that it was begun; the end is told by the handler below or by `list`.
  virtual void terminate(std::vector<instance_id> ids, time_point deadline,
                         reply<done> done_with) = 0;
  // Who is told of ends that the provider notices by itself. Set once, before the first launch.
  // After the provider's destructor has returned the handler is not called again.
  virtual void on_end(end_handler handler) = 0;
};

}  // namespace troupe::providers
