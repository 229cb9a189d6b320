// `troupe` as a function: arguments in, exit code out. Nothing is thrown.
#pragma once

#include <string>
#include <vector>

#include "cli/output.hpp"
#include "cli/services.hpp"

namespace troupe::cli {

// `arguments` without the program's name.
int run_program(const std::vector<std::string>& arguments, output& out, services& outside);

}  // namespace troupe::cli
