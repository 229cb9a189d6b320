// The command `troupe simulate`; apart from commands.hpp because only the command line needs it.
#pragma once

namespace troupe::cli {

struct command_line;
void add_simulate(command_line& line);

}  // namespace troupe::cli
