// What this program calls itself.
#pragma once

namespace troupe::cli {

inline constexpr auto software = "troupe/" TROUPE_VERSION;

}  // namespace troupe::cli
