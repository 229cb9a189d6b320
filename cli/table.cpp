// See table.hpp.
#include "cli/table.hpp"

#include <algorithm>
#include <cassert>

#include "cli/text.hpp"

namespace troupe::cli {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest = 8;  // of a column that gives way

void append(std::string& line, const std::string& text, std::size_t width, align side, style look,
            bool coloured) {
  auto shown = shorten(text, width);
  auto padding = std::string(width - std::min(width, display_width(shown)), ' ');
  auto painted = paint(shown, look, coloured);
  line += side == align::left ? painted + padding : padding + painted;
}

void end_line(std::string& out, std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  out += line + '\n';
}

}  // namespace

void table::add(std::vector<cell> row) {
  assert(row.size() <= columns_.size());
  row.resize(columns_.size(), cell{""});
  for (auto& c : row) c.text = one_line(c.text);
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> table::widths(std::size_t limit) const {
  std::vector<std::size_t> w;
  std::size_t total = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto widest = display_width(columns_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, display_width(row[i].text));
    w.push_back(widest);
    total += widest + (i == 0 ? 0 : gap);
  }
  if (limit == 0 || total <= limit) return w;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!columns_[i].flexible) continue;
    auto over = total - limit;
    auto least = std::min(w[i], narrowest);
    w[i] = w[i] > over + least ? w[i] - over : least;
    break;
  }
  return w;
}

std::string table::render(std::size_t width, bool coloured) const {
  auto w = widths(width);
  std::string out, line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) line += std::string(gap, ' ');
    append(line, columns_[i].title, w[i], columns_[i].side, style::bold, coloured);
  }
  end_line(out, std::move(line));
  for (const auto& row : rows_) {
    line.clear();
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += std::string(gap, ' ');
      append(line, row[i].text, w[i], columns_[i].side, row[i].look, coloured);
    }
    end_line(out, std::move(line));
  }
  return out;
}

}  // namespace troupe::cli
