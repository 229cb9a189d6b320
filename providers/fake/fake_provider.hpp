// Instances that exist only on paper, on a clock that the test turns, with faults injected from a
// seed. Everything happens inside `advance`, in the caller's thread and in a reproducible order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "providers/provider.hpp"

namespace troupe::providers {

// What goes wrong, as probabilities (0 to 1) of each call or instance.
struct fake_faults {
  double launch_fails = 0;  // with `launch_failure`, item by item
  failure_class launch_failure = failure_class::transient;
  double reply_lost = 0;       // of a launch that happened: answered `ambiguous`
  double never_answers = 0;    // a launch that happened is never answered
  double duplicate_reply = 0;  // the caller must cope with a second answer
  double list_fails = 0;
  double list_misses = 0;  // of each instance: an eventually consistent list
  double terminate_fails = 0;
  double never_boots = 0;  // the instance runs, its worker never registers
  double dies_booting = 0;
  double dies_later = 0;  // within `lifetime` after it booted
};

struct fake_settings {
  std::string cluster = "fake";
  std::uint64_t seed = 1;
  duration call_delay_min{}, call_delay_max{};  // of every answer
  duration boot_min = std::chrono::seconds{1}, boot_max = std::chrono::seconds{1};
  duration lifetime = std::chrono::minutes{5};
  duration stop_delay{};                  // from terminate to the end
  bool tells_ends = true;                 // else only `list` shows them
  std::optional<std::uint32_t> capacity;  // more launches fail with no_capacity
  fake_faults faults;
};

class fake_provider final : public provider {
 public:
  explicit fake_provider(fake_settings settings, time_point start = {});

  void launch(launch_request request, time_point deadline, reply<launched> done_with) override;
  void list(time_point deadline, reply<std::vector<instance>> done_with) override;
  void terminate(std::vector<instance_id> ids, time_point deadline, reply<done> done_with) override;
  void on_end(end_handler handler) override { on_end_ = std::move(handler); }

  // ---- for the test ----
  // Called when an instance's worker would register.
  void on_boot(std::function<void(const launch_item&, const instance&)> handler) {
    on_boot_ = std::move(handler);
  }
  fake_settings& settings() { return settings_; }
  time_point now() const { return now_; }
  // Carries out everything due until then, in order of time.
  void advance(time_point until);
  std::optional<time_point> next_event() const;

  // Ends it as if it had crashed.
  void kill(const instance_id& id, std::string reason = "killed by the test");
  // Its worker was told to stop, and ends a moment later.
  void stops_itself(const instance_id& id);
  // An instance of somebody else's making.
  instance_id plant(std::string pool, request_id request);

  std::size_t alive() const { return instances_.size(); }  // terminating ones counted
  std::size_t wanted() const;                              // alive, not told to end
  std::vector<instance> instances() const;
  std::uint64_t launch_calls() const { return launch_calls_; }
  std::uint64_t started() const { return started_; }

 private:
  struct machine {
    instance view;
    launch_item item;
    bool told_to_end = false;
  };
  struct due {
    time_point at{};
    std::uint64_t number = 0;  // ties in the order of scheduling
    std::function<void()> what;
    bool operator>(const due& o) const { return std::tie(at, number) > std::tie(o.at, o.number); }
  };

  bool happens(double probability);
  duration between(duration low, duration high);
  void after(duration delay, std::function<void()> what);
  void boot(const instance_id& id);
  void end(const instance_id& id, std::string reason);
  launch_outcome start_one(const std::string& pool, const launch_item& item);

  fake_settings settings_;
  time_point now_;
  std::mt19937_64 rng_;
  std::priority_queue<due, std::vector<due>, std::greater<>> queue_;
  std::uint64_t next_number_ = 0;
  std::map<instance_id, machine> instances_;
  end_handler on_end_;
  std::function<void(const launch_item&, const instance&)> on_boot_;
  std::uint64_t launch_calls_ = 0, started_ = 0;
};

}  // namespace troupe::providers
