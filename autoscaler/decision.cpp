// Names and look-ups of decision records.
#include "autoscaler/decision.hpp"

#include <algorithm>

namespace troupe::autoscaler {

std::string_view to_string(direction d) {
  switch (d) {
    case direction::none:
      return "none";
    case direction::up:
      return "up";
    case direction::down:
      return "down";
  }
  return "none";
}

std::string_view to_string(cause c) {
  switch (c) {
    case cause::steady:
      return "steady";
    case cause::demand:
      return "demand";
    case cause::signal:
      return "signal";
    case cause::minimum:
      return "minimum";
    case cause::scheduled:
      return "scheduled";
    case cause::maximum:
      return "maximum";
    case cause::total:
      return "total";
    case cause::budget:
      return "budget";
    case cause::manual:
      return "manual";
    case cause::idle:
      return "idle";
    case cause::surplus:
      return "surplus";
    case cause::waiting_idle:
      return "waiting_idle";
    case cause::busy:
      return "busy";
    case cause::cooldown:
      return "cooldown";
    case cause::tolerance:
      return "tolerance";
    case cause::stabilizing:
      return "stabilizing";
    case cause::rate_limited:
      return "rate_limited";
    case cause::backing_off:
      return "backing_off";
    case cause::paused:
      return "paused";
  }
  return "steady";
}

bool decision::acts() const {
  return std::any_of(pools.begin(), pools.end(), [](const auto& p) { return p.acts(); });
}

const pool_decision* decision::pool(std::string_view name) const {
  auto at = std::find_if(pools.begin(), pools.end(), [&](const auto& p) { return p.pool == name; });
  return at == pools.end() ? nullptr : &*at;
}

const signal_record* decision::signal(std::string_view name) const {
  auto at =
      std::find_if(signals.begin(), signals.end(), [&](const auto& s) { return s.name == name; });
  return at == signals.end() ? nullptr : &*at;
}

}  // namespace troupe::autoscaler
