#include "cli/load_rows.hpp"

#include <algorithm>
#include <charconv>

#include "autoscaler/simulator/bounds.hpp"
#include "cli/inputs.hpp"
#include "cli/text.hpp"
#include "libruntime/units.hpp"

namespace troupe::cli {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

}  // namespace

std::vector<std::string> csv_fields(std::string_view line, std::size_t number) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      out.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  if (quoted) throw bad_row{number, "a quote is not closed"};
  for (auto& f : out) {
    f.erase(0, std::min(f.find_first_not_of(" \t"), f.size()));
    f.erase(f.find_last_not_of(" \t") + 1);
  }
  return out;
}

csv_table::csv_table(std::string_view text, const std::vector<std::string>& needed,
                     const std::vector<std::string>& other) {
  const auto lines = split_lines(text);
  std::size_t number = 0;
  for (const auto& l : lines) {
    ++number;
    if (l.empty() || l[0] == '#') continue;
    auto fields = csv_fields(l, number);
    if (columns_.empty()) {
      name_columns(fields, number, needed, other);
      continue;
    }
    if (fields.size() != columns_.size())
      throw bad_row{number, std::to_string(fields.size()) + " fields, but " +
                                std::to_string(columns_.size()) + " columns"};
    rows_.push_back({number, std::move(fields)});
  }
  if (columns_.empty()) throw bad_row{1, "the file is empty"};
}

void csv_table::name_columns(const std::vector<std::string>& fields, std::size_t line,
                             const std::vector<std::string>& needed,
                             const std::vector<std::string>& other) {
  auto known = needed;
  known.insert(known.end(), other.begin(), other.end());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (std::find(known.begin(), known.end(), fields[i]) == known.end())
      throw bad_row{line, "there is no column " + in_quotes(fields[i]) +
                              did_you_mean(fields[i], known) + "; known: " + joined(known)};
    if (!columns_.emplace(fields[i], i).second)
      throw bad_row{line, "the column " + in_quotes(fields[i]) + " is there twice"};
  }
  for (const auto& n : needed)
    if (columns_.count(n) == 0)
      throw bad_row{line, "the first line names the columns, and " + in_quotes(n) + " is missing"};
}

const std::string& csv_table::at(std::size_t row, const std::string& column) const {
  static const std::string nothing;
  auto c = columns_.find(column);
  return c == columns_.end() ? nothing : rows_[row].fields[c->second];
}

double csv_table::number(std::size_t row, const std::string& column, double least,
                         double most) const {
  const auto& text = at(row, column);
  auto n = parse_number(text);
  if (!n) throw bad_row{line(row), column + " " + in_quotes(text) + " is not a number"};
  if (*n < least || *n > most)
    throw bad_row{line(row), column + " " + in_quotes(text) + " is not from " +
                                 compact_number(least) + " to " + compact_number(most)};
  return *n;
}

std::int64_t csv_table::whole(std::size_t row, const std::string& column, std::int64_t least,
                              std::int64_t most) const {
  const auto& text = at(row, column);
  auto n = parse_number(text);
  if (!n || *n != std::floor(*n) || *n < static_cast<double>(least) ||
      *n > static_cast<double>(most))
    throw bad_row{line(row), column + " " + in_quotes(text) + " is not a whole number from " +
                                 std::to_string(least) + " to " + std::to_string(most)};
  return static_cast<std::int64_t>(*n);
}

void task_limit::take(double n, std::size_t line) {
  taken_ += n;
  if (taken_ > static_cast<double>(simulator::most_recorded_tasks))
    throw bad_row{line, "with this line there are more than " +
                            human_count(simulator::most_recorded_tasks) +
                            " tasks, which is more than one simulation takes"};
}

duration csv_table::time(std::size_t row, const std::string& column) const {
  const auto& text = at(row, column);
  if (auto n = parse_number(text)) return trace_seconds(*n, line(row), column);
  if (auto d = parse_duration(text)) {
    trace_seconds(to_seconds(*d), line(row), column);  // for the bound
    return *d;
  }
  throw bad_row{line(row), column + " " + in_quotes(text) + " is neither seconds nor like 1m30s"};
}

std::optional<double> parse_number(std::string_view text) {
  double n = 0;
  auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || at != text.data() + text.size() || !std::isfinite(n)) return {};
  return n;
}

duration trace_seconds(double seconds, std::size_t line, const std::string& what) {
  if (auto d = simulator::checked_seconds(seconds)) return *d;
  throw bad_row{line, what + " " + compact_number(seconds) + " is not from 0 s to 10 years"};
}

std::string compact_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

std::string exact_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", x);
  return text;
}

std::uint32_t kind_table::of(simulator::work_kind k) {
  const auto key = k.function + '\n' + to_string(k.resources) + '\n' + k.pool + '\n' +
                   std::to_string(k.priority) + '\n' + std::to_string(k.expected.count());
  auto [at, added] = known_.try_emplace(key, static_cast<std::uint32_t>(kinds_.size()));
  if (added) kinds_.push_back(std::move(k));
  return at->second;
}

void sort_submissions(simulator::recorded_load& l) {
  std::stable_sort(l.submissions.begin(), l.submissions.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
}

}  // namespace troupe::cli
