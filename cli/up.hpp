// Files that a detached head keeps in its state folder.
#pragma once

namespace troupe::cli {

inline constexpr auto pid_file_name = "head.pid";
inline constexpr auto log_file_name = "head.log";

}  // namespace troupe::cli
