// Look-ups in settings, and the words of their enums. See settings.hpp.
#include "libruntime/settings.hpp"

#include <algorithm>
#include <array>

namespace troupe {

namespace {

constexpr std::array<std::string_view, 3> provider_types{"local", "threads", "fake"};
static_assert(std::variant_size_v<provider_settings> == provider_types.size());

}  // namespace

std::string_view provider_type(const provider_settings& p) {
  return provider_types[p.index()];
}

const pool_settings* cluster_settings::pool(std::string_view name) const {
  auto found = std::find_if(pools.begin(), pools.end(), [&](auto& p) { return p.name == name; });
  return found == pools.end() ? nullptr : &*found;
}

std::string_view to_string(log_level x) {
  static constexpr std::array<std::string_view, 5> words{"trace", "debug", "info", "warning",
                                                         "error"};
  return words[static_cast<std::size_t>(x)];
}

std::string_view to_string(tls_mode x) {
  return x == tls_mode::on ? "on" : "off";
}

std::string_view to_string(rate_unit x) {
  return x == rate_unit::workers ? "workers" : "percent";
}

std::string_view to_string(rate_selection x) {
  static constexpr std::array<std::string_view, 3> words{"max", "min", "disabled"};
  return words[static_cast<std::size_t>(x)];
}

std::string_view to_string(signal_source x) {
  static constexpr std::array<std::string_view, 4> words{"prometheus", "waiting_time_p95",
                                                         "queue_depth", "slot_utilisation"};
  return words[static_cast<std::size_t>(x)];
}

std::string_view to_string(signal_type x) {
  return x == signal_type::value ? "value" : "average_value";
}

std::string_view to_string(signal_failure x) {
  static constexpr std::array<std::string_view, 3> words{"hold", "at_least", "ignore"};
  return words[static_cast<std::size_t>(x)];
}

std::string_view to_string(scheduler_loss x) {
  return x == scheduler_loss::finish ? "finish" : "stop";
}

std::string_view to_string(fake_failure x) {
  static constexpr std::array<std::string_view, 7> words{
      "no_capacity",     "quota",     "throttled", "rejected_credentials",
      "invalid_request", "ambiguous", "transient"};
  return words[static_cast<std::size_t>(x)];
}

std::string_view to_string(placement_policy x) {
  return x == placement_policy::pack ? "pack" : "spread";
}

}  // namespace troupe
