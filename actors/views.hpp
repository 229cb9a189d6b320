// What people and scripts see of the scheduler's state, as JSON with stable names (docs/control.md).
#pragma once

#include <nlohmann/json.hpp>

#include "actors/scheduler.hpp"

namespace troupe::actors {

// A result larger than this is only moved as a value, never inside an answer.
inline constexpr std::size_t max_inline_result = 512 << 10;

nlohmann::json status_view(const scheduler_state& s);
nlohmann::json job_json(const scheduler_state& s, const scheduler::job_view& j);
nlohmann::json task_json(const scheduler::task_view& t);
nlohmann::json workers_json(const scheduler_state& s);
nlohmann::json pools_json(const scheduler_state& s);
nlohmann::json pool_json(const pool_report& r, scaling_paused paused);

// Seconds since 1970 of a moment of the steady clock.
double unix_time(time_point t);

}  // namespace troupe::actors
