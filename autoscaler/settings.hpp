// What the policy is told about the pools it decides for. Filled by the wiring from the cluster's
// settings and from what people changed while it runs (`scale`, `pause`). Pure data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libruntime/cron.hpp"
#include "libruntime/resources.hpp"
#include "libruntime/settings.hpp"
#include "libruntime/time_zone.hpp"

namespace troupe::autoscaler {

// What people asked for at run time; it wins over the file until it is taken back.
struct pool_control {
  std::optional<std::uint32_t> size;  // `scale POOL N`: this many, whatever the demand
  std::optional<std::uint32_t> min;   // `scale POOL --min`
  std::optional<std::uint32_t> max;   // `scale POOL --max`
  bool pause_up = false;              // `min` is still restored
  bool pause_down = false;
};

// A scheduled minimum, ready to be evaluated.
struct scheduled_min {
  cron_expression begins;
  time_zone zone;
  std::uint32_t min = 0;
  std::optional<duration> lasts;  // nothing: until another entry begins
};

// The highest of those that hold at this moment; nothing: none does.
std::optional<std::uint32_t> minimum_at(const std::vector<scheduled_min>& schedule,
                                        std::int64_t unix_seconds);

struct pool_policy {
  std::string name;
  resource_set worker;  // what one worker offers, with "cpus" (its slots)
  std::uint32_t min = 0;
  std::optional<std::uint32_t> max;  // nothing: no limit
  std::int32_t priority = 0;         // higher is filled first
  double cost_per_hour = 0;          // of one worker
  scaling_settings scaling;
  std::vector<scheduled_min> schedule;
  pool_control control;
};

struct settings {
  std::vector<pool_policy> pools;
  std::vector<signal_settings> signals;
  std::optional<std::uint32_t> max_workers;  // of all pools together
  budget_settings budget;
  std::uint32_t history = 1000;                         // decisions kept
  duration sample_interval = std::chrono::seconds{10};  // of records while nothing changes
};

using time_zones = std::map<std::string, time_zone>;

// The policy of a pool as the file describes it. `slots` 0 in the file means the machine's cores,
// which only the caller knows. A schedule's zones are in `zones` (config/time_zones.hpp), but UTC and
// fixed offsets need not be; pre: its expressions and zones have been checked.
pool_policy policy_of(const pool_settings& pool, std::uint32_t machine_cores,
                      const time_zones& zones = {});
// What holds for all pools, without the pools.
settings settings_of(const autoscaler_settings& s);

}  // namespace troupe::autoscaler
