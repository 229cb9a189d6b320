// Numbers, times and words as people read them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

std::string human_seconds(double seconds);     // "350ms", "4.2s", "3m05s", "2h10m", "3d04h"
std::string human_bytes(std::uint64_t bytes);  // "812 B", "2.0 GiB"
std::string human_count(std::uint64_t n);      // "1,000,000"
std::string plural(std::uint64_t n, std::string_view noun);  // "1 task", "2,000 tasks"
// Local time of a Unix time in seconds: "14:03:22", with the date before it if not today's.
std::string clock_time(double unix_seconds, double now);

// " (did you mean \"x\"?)", or "" if no candidate is near (see troupe::nearest).
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// One line that a terminal shows as it is: control characters and line ends become spaces, bytes
// that are not UTF-8 become '?'.
std::string one_line(std::string_view text);
// Columns a terminal needs for it (code points; combining and wide characters are not looked at).
std::size_t display_width(std::string_view utf8);
// The first `width` columns, ending in "…" if something was cut.
std::string shorten(std::string_view utf8, std::size_t width);


// Between quotation marks, on one line, shortened: for messages.
std::string in_quotes(std::string_view text);

}  // namespace troupe::cli
