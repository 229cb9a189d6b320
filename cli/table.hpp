// Aligned tables for people. Columns are as wide as their widest cell; the flexible one gives way
// when the terminal is too narrow. Cells are made harmless for a terminal (one_line). Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.hpp"

namespace troupe::cli {

enum class align { left, right };

struct column {
  std::string title;
  align side = align::left;
  bool flexible = false;  // may be cut to fit; at most one column of a table should be
};

struct cell {
  cell(std::string t, style s = style::plain) : text(std::move(t)), look(s) {}
  cell(const char* t) : text(t) {}
  std::string text;
  style look = style::plain;
};

class table {
 public:
  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}
  // Missing cells at the end are empty; there must not be more cells than columns.
  void add(std::vector<cell> row);
  bool empty() const { return rows_.empty(); }
  // Title line and rows, each with its line end. `width` 0: no limit.
  std::string render(std::size_t width, bool coloured) const;

 private:
  std::vector<std::size_t> widths(std::size_t limit) const;

  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

}  // namespace troupe::cli
