// Decisions as JSON, for `troupe autoscaler log` and `explain`, and over HTTP. Names are stable:
// docs/control.md.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "autoscaler/decision.hpp"
#include "autoscaler/settings.hpp"

namespace troupe::actors {

// One pool's part of a decision, with all that went into it.
nlohmann::json decision_json(const autoscaler::decision& d, const autoscaler::pool_decision& p);

// pre: the pool is in both
nlohmann::json explanation_json(const autoscaler::decision& d, const std::string& pool,
                                const autoscaler::settings& s);

}  // namespace troupe::actors
