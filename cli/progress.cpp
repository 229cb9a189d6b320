// See progress.hpp.
#include "cli/progress.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/text.hpp"

namespace troupe::cli {

std::string progress_line(const progress_state& p, std::size_t width) {
  auto ended = std::min(p.ended, p.total);
  auto text = fmt::format("  {}/{}", human_count(ended), human_count(p.total));
  if (p.failed > 0) text += fmt::format("  {} failed", human_count(p.failed));
  // A rate needs a moment before it means anything.
  if (ended > 0 && p.elapsed >= 0.5) {
    auto rate = static_cast<double>(ended) / p.elapsed;
    text += rate >= 10 ? fmt::format("  {}/s", human_count(static_cast<std::uint64_t>(rate)))
                       : fmt::format("  {:.1f}/s", rate);
    if (ended < p.total)
      text += fmt::format("  ~{} left", human_seconds(static_cast<double>(p.total - ended) / rate));
  }
  constexpr std::size_t widest_bar = 30, narrowest_bar = 5;
  auto words = display_width(text);
  if (width < words + narrowest_bar + 2) return shorten(text, width);
  auto bar = std::min(widest_bar, width - words - 2);
  auto filled = p.total == 0 ? bar : bar * ended / p.total;
  std::string drawn(filled, '=');
  if (filled < bar) drawn += '>' + std::string(bar - filled - 1, ' ');
  return '[' + drawn + ']' + text;
}

}  // namespace troupe::cli
