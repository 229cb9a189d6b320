// See terminal.hpp.
#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace troupe::cli {
namespace {

std::string_view environment(const char* name) {
  const char* text = std::getenv(name);
  return text ? text : "";
}

std::string_view code_of(style s) {
  switch (s) {
    case style::plain: return "0";
    case style::bold: return "1";
    case style::dim: return "2";
    case style::red: return "31";
    case style::green: return "32";
    case style::yellow: return "33";
    case style::cyan: return "36";
  }
  return "0";
}

}  // namespace

terminal terminal::detect() {
  terminal t;
  t.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  t.err_is_terminal = isatty(STDERR_FILENO) == 1;
  bool wanted = environment("NO_COLOR").empty() && environment("TERM") != "dumb" &&
                !environment("TERM").empty();
  t.colours = wanted && t.out_is_terminal;
  t.err_colours = wanted && t.err_is_terminal;
  if (t.out_is_terminal || t.err_is_terminal) {
    winsize size{};
    int fd = t.out_is_terminal ? STDOUT_FILENO : STDERR_FILENO;
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    t.width = known ? size.ws_col : 80;
  }
  return t;
}

std::string paint(std::string_view text, style s, bool coloured) {
  if (!coloured || s == style::plain || text.empty()) return std::string{text};
  return "\x1b[" + std::string{code_of(s)} + "m" + std::string{text} + "\x1b[0m";
}

}  // namespace troupe::cli
