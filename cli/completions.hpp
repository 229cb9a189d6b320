// Completions for shells, made from the command line's own tree. Pure.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace troupe::cli {

std::string bash_completions(const CLI::App& app);
std::string zsh_completions(const CLI::App& app);

}  // namespace troupe::cli
