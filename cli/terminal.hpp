// What is known about where the output goes: whether a person watches, how wide, whether in colour.
#pragma once

#include <string>
#include <string_view>

namespace troupe::cli {

struct terminal {
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool colours = false;      // on stdout: a terminal, not TERM=dumb, and NO_COLOR unset or empty
  bool err_colours = false;  // the same for stderr
  std::size_t width = 0;     // columns of stdout; 0: not a terminal, nothing is cut

  static terminal detect();  // looks at file descriptors 1 and 2 and at the environment
};

enum class style { plain, bold, dim, red, green, yellow, cyan };

// `text` between the escape sequences of a style; as it is when not `coloured`.
std::string paint(std::string_view text, style s, bool coloured);

}  // namespace troupe::cli
