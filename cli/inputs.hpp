// Files that the user names on the command line, "-" being stdin: lines, JSON lines, JSON arrays.
// Blocking reads; failures name file, line and what is wrong with it.
#pragma once

#include <string>
#include <vector>

#include "libruntime/failure.hpp"
#include "libruntime/value.hpp"

namespace troupe::cli {

// More is refused: it would not be a file of tasks.
inline constexpr std::size_t max_input_bytes = std::size_t{4} << 30;

result<std::string> read_input(const std::string& file);

// Lines without their ends ("\n" or "\r\n"); a last line without end counts, an empty end doesn't.
std::vector<std::string> split_lines(std::string_view text);

// Arguments of execs: one map {"entry": line} a line.
result<std::vector<value>> entries_of_lines(std::string_view text);
// The same, one an element of a JSON array: strings as they are, others as their JSON text.
result<std::vector<value>> entries_of_json(std::string_view text, const std::string& file);

// Argument lists of calls, one a line: [a, b] is two arguments, anything else one. Empty lines are
// skipped.
result<std::vector<value>> arguments_of_json_lines(std::string_view text, const std::string& file);
// The same, one an element of a JSON array.
result<std::vector<value>> arguments_of_json(std::string_view text, const std::string& file);

}  // namespace troupe::cli
