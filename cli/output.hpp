// Where commands write. Results go to stdout, words about them to stderr. A progress line, where a
// person watches, is always the last line of stderr: everything else is written above it.
//
// Writing to a closed pipe throws broken_pipe. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "cli/json_value.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "cli/terminal.hpp"

namespace troupe::cli {

enum class output_format {
  table,  // for people
  json,   // for scripts
  quiet,  // ids only, and errors
};

class output {
 public:
  using writer = std::function<void(std::string_view)>;

  output(writer out, writer err, terminal t)
      : out_(std::move(out)), err_(std::move(err)), terminal_(t) {}
  // To file descriptors 1 and 2.
  static output standard();

  output_format format = output_format::table;

  const terminal& where() const { return terminal_; }
  bool is_table() const { return format == output_format::table; }
  bool is_json() const { return format == output_format::json; }
  bool is_quiet() const { return format == output_format::quiet; }

  // stdout
  void print(std::string_view text);
  void line(std::string_view text);
  void print(const table& t);
  void print_json(const json& j);     // indented
  void print_compact(const json& j);  // on one line
  std::string paint(std::string_view text, style s) const;

  // stderr: words for people (not when quiet), and what must be said anyway.
  void note(std::string_view text);
  void warning(std::string_view text);
  void error(std::string_view text);
  void raw_error(std::string_view text);

  // At most ten times a second, and only where a person watches.
  void progress(const progress_state& p);
  void clear_progress();

 private:
  writer out_, err_;
  terminal terminal_;
  bool progress_shown_ = false;
  std::chrono::steady_clock::time_point progress_at_{};
};

}  // namespace troupe::cli
