// Lines and fields of trace files, and the numbers in them. Internal to the readers of loads. Pure.
#pragma once

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/simulator/load.hpp"
#include "libruntime/failure.hpp"

namespace troupe::cli {

// What a user must mend; caught where a reader begins.
struct bad_row {
  std::size_t line = 0;
  std::string words;
};

// The fields of one line, between commas; one in double quotes may have commas, and "" for a quote.
std::vector<std::string> csv_fields(std::string_view line, std::size_t number);

// Lines by the names of their columns.
class csv_table {
 public:
  // Throws bad_row where a column that is needed is missing, or one is not known or given twice.
  csv_table(std::string_view text, const std::vector<std::string>& needed,
            const std::vector<std::string>& other);

  std::size_t rows() const { return rows_.size(); }
  std::size_t line(std::size_t row) const { return rows_[row].line; }
  // "" where the column is missing.
  const std::string& at(std::size_t row, const std::string& column) const;
  // Throw bad_row, naming column and value.
  double number(std::size_t row, const std::string& column, double least, double most) const;
  std::int64_t whole(std::size_t row, const std::string& column, std::int64_t least,
                     std::int64_t most) const;
  duration time(std::size_t row, const std::string& column) const;

 private:
  struct row {
    std::size_t line = 0;
    std::vector<std::string> fields;
  };
  void name_columns(const std::vector<std::string>& fields, std::size_t line,
                    const std::vector<std::string>& needed, const std::vector<std::string>& other);

  std::map<std::string, std::size_t> columns_;
  std::vector<row> rows_;
};

// Counts the tasks of a load that is read, and refuses more than simulator::most_recorded_tasks.
class task_limit {
 public:
  void take(double n, std::size_t line);  // throws bad_row

 private:
  double taken_ = 0;
};

std::optional<double> parse_number(std::string_view text);
std::string compact_number(double x);  // "0.5", "1e+09": for people, six digits
std::string exact_number(double x);    // "1234567": to tell numbers of a trace apart
// Seconds as a trace may have them, at most simulator::longest_time.
duration trace_seconds(double seconds, std::size_t line, const std::string& what);

// The kinds of a load, each once.
class kind_table {
 public:
  std::uint32_t of(simulator::work_kind k);
  std::vector<simulator::work_kind> take() { return std::move(kinds_); }

 private:
  std::vector<simulator::work_kind> kinds_;
  std::map<std::string, std::uint32_t> known_;
};

// Sorted by time, as a load must be; equal times stay in the order of the file.
void sort_submissions(simulator::recorded_load& l);

inline std::string in_line(const std::string& file, std::size_t line, const std::string& words) {
  return file + ":" + std::to_string(line) + ": " + words;
}

}  // namespace troupe::cli
