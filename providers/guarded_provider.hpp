// A provider around a provider: every call is answered exactly once, by its deadline at the latest,
// and counted. A launch that isn't answered in time is `ambiguous`, other calls are `transient`;
// what the inner provider says afterwards is counted as late and dropped. Exceptions that escape
// the inner provider become failures. One thread of its own for the deadlines.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "providers/provider.hpp"

namespace troupe::providers {

enum class provider_call : std::uint8_t { launch, list, terminate };
std::string_view to_string(provider_call c);

struct call_outcome {
  provider_call call{};
  std::optional<failure_class> failed;  // nothing: it worked
  bool late = false;                    // the answer came after the deadline and was dropped
  duration took{};
};
// Told of each outcome, from any thread.
using call_meter = std::function<void(const call_outcome&)>;

std::unique_ptr<provider> make_guarded_provider(std::unique_ptr<provider> inner,
                                                call_meter meter = {});

}  // namespace troupe::providers
