// The Standard Workload Format (Chapin, Feitelson and others): lines of 18 numbers, -1 for what is
// not known, comments after ";".
#include <algorithm>

#include "cli/inputs.hpp"
#include "cli/load_file.hpp"
#include "cli/load_rows.hpp"
#include "cli/text.hpp"

namespace troupe::cli {

namespace {

constexpr std::size_t fields_of_a_job = 18;
constexpr double most_processors = 1e6;
enum field { job_number, submit, wait, run_time, allocated, cpu_time, memory, requested,
             requested_time, requested_memory, status, user, group, program };

std::vector<double> numbers_of(const std::string& text, std::size_t line) {
  std::vector<double> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = text.find_first_not_of(" \t", at);
    if (begin == std::string::npos) break;
    at = std::min(text.find_first_of(" \t", begin), text.size());
    const auto word = text.substr(begin, at - begin);
    const auto n = parse_number(word);
    if (!n) throw bad_row{line, "field " + std::to_string(out.size() + 1) + ": " +
                                    in_quotes(word) + " is not a number"};
    out.push_back(*n);
  }
  if (!out.empty() && out.size() != fields_of_a_job)
    throw bad_row{line, std::to_string(out.size()) + " fields where SWF has 18"};
  return out;
}

void add_job(const std::vector<double>& f, std::size_t line, kind_table& kinds, task_limit& limit,
             file_load& out) {
  const auto processors = f[allocated] > 0 ? f[allocated] : f[requested];
  if (f[run_time] < 0 || processors < 1) {
    ++out.skipped;
    return;
  }
  if (processors > most_processors) throw bad_row{line, "more than 1,000,000 processors"};
  limit.take(std::floor(processors), line);
  simulator::work_kind k;
  k.function = f[program] >= 0 ? "program " + exact_number(f[program])
                               : "user " + exact_number(f[user]);
  simulator::submission s;
  s.at = trace_seconds(f[submit], line, "submit time");
  const simulator::planned_task t{kinds.of(std::move(k)),
                                  trace_seconds(f[run_time], line, "run time"), {}};
  s.tasks.assign(static_cast<std::size_t>(processors), t);
  out.load.submissions.push_back(std::move(s));
}

}  // namespace

result<file_load> read_swf(std::string_view text, const std::string& file) {
  try {
    file_load out;
    kind_table kinds;
    task_limit limit;
    out.skipped_why = "has no run time or no processors";
    std::size_t line = 0;
    for (auto& l : split_lines(text)) {
      ++line;
      const auto f = numbers_of(l.substr(0, l.find(';')), line);
      if (!f.empty()) add_job(f, line, kinds, limit, out);
    }
    out.load.name = file;
    out.load.kinds = kinds.take();
    sort_submissions(out.load);
    return out;
  } catch (const bad_row& b) {
    return fail(errc::invalid_argument, in_line(file, b.line, b.words));
  }
}

}  // namespace troupe::cli
