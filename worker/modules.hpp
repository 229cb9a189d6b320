#pragma once
#include "libruntime/function_registry.hpp"
namespace troupe::worker {
inline result<void> load_modules(const std::vector<std::string>&, function_registry&) { return {}; }
struct description { std::vector<std::string> n; std::vector<std::string> function_names() const { return n; } };
inline result<description> describe(const std::vector<std::string>&, const std::vector<std::string>&) { return description{}; }
inline int print_description(const function_registry&) { return 0; }
}
