// Relative paths in a configuration begin at the folder of the file they stand in, so that a file
// means the same wherever the command was started.
#pragma once

#include <string>

#include "config/environment.hpp"
#include "libruntime/option_tree.hpp"
#include "libruntime/options.hpp"

namespace troupe::config {

// Makes the paths in the tree absolute where their option asks for it: those from the file below
// `folder`, those from a variable below the current folder; ~/ is $HOME.
void resolve_paths(const option_section& section, option_value& tree, const std::string& folder,
                   const environment& variables);

}  // namespace troupe::config
