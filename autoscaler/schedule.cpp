// See schedule.hpp. Nothing is remembered: what holds follows from the moment alone, so a restarted
// head, a reload or a simulation at any speed finds the same.
#include "autoscaler/schedule.hpp"

#include <algorithm>

namespace troupe::autoscaler {

namespace {

// The latest moment at or before now at which the entry began.
std::optional<std::int64_t> began(const scheduled_min& entry, std::int64_t now) {
  // Where the clock was set back or forward lately, matches of its other reading are among those to
  // be looked at; those that lie in the future are passed over, minute by minute.
  constexpr std::int64_t lately = 3 * 3600;
  constexpr int most_tries = lately / 60 + 1;
  auto local = now + std::max(entry.zone.offset_at(now), entry.zone.offset_at(now - lately));
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto match = entry.begins.latest(local);
    if (!match) return {};
    const auto at = entry.zone.to_unix(*match);
    if (at <= now) return at;
    local = *match - 60;
  }
  return {};
}

}  // namespace

std::vector<scheduled_min> schedule_of(const std::vector<scheduled_min_settings>& entries,
                                       const time_zones& zones) {
  std::vector<scheduled_min> out;
  for (const auto& entry : entries) {
    auto cron = cron_expression::parse(entry.cron);
    auto zone = time_zone::fixed(entry.timezone);
    if (!zone)
      if (auto known = zones.find(entry.timezone); known != zones.end()) zone = known->second;
    if (cron && zone) out.push_back({std::move(*cron), std::move(*zone), entry.min, entry.lasts});
  }
  return out;
}

std::optional<std::uint32_t> minimum_at(const std::vector<scheduled_min>& schedule,
                                        std::int64_t unix_seconds) {
  std::vector<std::optional<std::int64_t>> begins;
  std::optional<std::int64_t> latest;
  for (const auto& entry : schedule) {
    begins.push_back(began(entry, unix_seconds));
    if (begins.back()) latest = std::max(latest.value_or(*begins.back()), *begins.back());
  }
  std::optional<std::uint32_t> out;
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    if (!begins[i]) continue;
    const auto& entry = schedule[i];
    const bool holds = entry.lasts ? std::chrono::seconds{unix_seconds - *begins[i]} < *entry.lasts
                                   : begins[i] == latest;
    if (holds) out = std::max(out.value_or(0), entry.min);
  }
  return out;
}

}  // namespace troupe::autoscaler
