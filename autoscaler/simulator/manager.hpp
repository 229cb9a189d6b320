// A pretend cluster manager: keeps one pool at its target the way the real one does, with its
// deadlines, its backoff and its limits: launches what is missing, takes back before it launches,
// calls off launches before anything is drained, drains, waits until a worker is empty, ends its
// instance and forgets it when it is confirmed gone. What it can't know it finds out from lists.
//
// Invariant: requested + booting + registered + draining never exceeds the maximum it was given.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "autoscaler/decision.hpp"
#include "autoscaler/simulator/provider.hpp"
#include "libruntime/settings.hpp"

namespace troupe::simulator {

// What a policy wants of one pool.
struct pool_order {
  std::uint32_t target = 0;
  std::optional<std::uint32_t> max;
  std::optional<std::uint32_t> ceiling;  // as `max`, but only until the next order
  std::vector<worker_id> drain;  // none that is busy, unless it has to be
  std::vector<worker_id> take_back;
  bool patient = false;  // who drains may finish its tasks, past the drain_deadline
};

// What the manager tells the rest of the cluster.
struct manager_events {
  std::function<void(worker_id, bool on)> drain;
  std::function<void(worker_id, bool deliberate)> over;  // confirmed gone
  std::function<void()> changed;  // there is news for a policy: registered, refused, gone …
};

struct manager_counters {
  std::uint64_t launches = 0, failed_starts = 0, called_off = 0, deaths = 0, preemptions = 0,
                drains = 0, taken_back = 0, ended = 0;
};

enum class launch_phase : std::uint8_t { requested, booting, registered, draining, terminating };
inline constexpr std::size_t launch_phases = 5;

class manager {
 public:
  manager(const pool_settings& pool, std::uint64_t seed, calendar& time, provider& provider,
          manager_events events);

  void set(const pool_order& order);
  // The worker of a launch registers. False: it is not wanted any more and is being ended.
  bool registered(launch_number n, worker_id worker);
  void drained(worker_id worker);    // it holds nothing any more
  void link_lost(worker_id worker);  // it may be over; the next list tells

  // From the provider.
  void answered(launch_number n, bool made);
  void preempted(launch_number n);
  void ended(launch_number n);

  autoscaler::pool_status status() const;
  std::uint32_t count(launch_phase p) const { return counts_[static_cast<std::size_t>(p)]; }
  std::uint32_t live() const;  // requested, booting and registered
  const manager_counters& counters() const { return counters_; }
  // Launches that it believes to exist: answered, and not confirmed gone.
  std::vector<launch_number> believed() const;
  // Whether something was asked for or has ended that it doesn't know the outcome of yet.
  bool in_doubt() const;

 private:
  struct slot {
    launch_phase phase{};
    worker_id worker;
    time_point launched_at{};
    std::uint32_t drain = 0;  // which drain of the pool, so that its deadline is not another's
    bool answered = false;
    bool takeable = false;    // drained because it was not needed
    bool deliberate = false;  // its end is wanted
  };
  struct wait {
    time_point began{}, until{};
    std::uint32_t in_a_row = 0;
    std::string reason;
  };

  void reconcile();
  void call_off(std::uint32_t surplus);
  void revive(std::uint32_t& missing);
  void launch(std::uint32_t n);
  std::uint32_t launchable() const;
  void move(slot& s, launch_phase to);
  void begin_drain(launch_number n, slot& s, bool takeable, bool patient);
  void terminate(launch_number n, slot& s);
  void start_failed(launch_number n, slot& s, const std::string& why);
  void gone(launch_number n);
  void note_death();
  void back_off(wait& w, const std::string& reason);
  bool waiting() const { return time_.now() < std::max(starts_.until, deaths_.until); }
  void look();           // at what the provider has
  void look_in(duration d);
  launch_number launch_of(worker_id w) const;

  const pool_settings settings_;
  random_stream jitter_;
  calendar& time_;
  provider& provider_;
  manager_events events_;
  manager_counters counters_;
  std::map<launch_number, slot> slots_;
  std::map<worker_id, launch_number> by_worker_;
  std::array<std::uint32_t, launch_phases> counts_{};
  launch_number last_ = 0;
  std::uint32_t last_drain_ = 0;
  std::uint32_t target_ = 0;
  std::optional<std::uint32_t> max_, ceiling_;
  wait starts_, deaths_;
  std::deque<time_point> recent_deaths_;
  std::optional<time_point> next_look_;
};

}  // namespace troupe::simulator
