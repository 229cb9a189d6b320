#include "cli/load_file.hpp"

#include <algorithm>
#include <limits>

#include "autoscaler/simulator/bounds.hpp"
#include "cli/inputs.hpp"
#include "cli/load_rows.hpp"

namespace troupe::cli {

namespace {

std::string format_of(const std::string& file, std::string_view text) {
  if (file.ends_with(".json")) return "wfformat";
  if (file.ends_with(".swf")) return "swf";
  const auto first = text.substr(0, text.find('\n'));
  if (first.find("cpu_milli") != std::string_view::npos) return "openb";
  if (file.ends_with(".csv") || first.find("run_time") != std::string_view::npos) return "csv";
  return "";
}

// All times of the load. False: one of them becomes too long.
bool divide_times(simulator::recorded_load& l, double by) {
  bool fits = true;
  auto divide = [&](duration& d) {
    const auto quotient = simulator::checked_seconds(to_seconds(d) / by);
    fits = fits && quotient;
    d = quotient.value_or(d);
  };
  for (auto& k : l.kinds) {
    const bool said = k.expected > duration{};
    divide(k.expected);
    if (said) k.expected = std::max<duration>(k.expected, std::chrono::microseconds{1});
  }
  for (auto& s : l.submissions) {
    divide(s.at);
    for (auto& t : s.tasks) divide(t.run_time);
  }
  return fits;
}

}  // namespace

result<file_load> read_load_file(const std::string& file, const load_file_options& options) {
  auto text = read_input(file);
  if (!text) return tl::unexpected(text.error());
  auto format = options.format.empty() ? format_of(file, *text) : options.format;
  if (format.empty())
    return fail(errc::invalid_argument, file + ": what is it? Say --format csv, openb, swf or wfformat");
  auto read = format == "csv"     ? read_job_csv(*text, file)
              : format == "openb" ? read_openb(*text, file)
              : format == "swf"   ? read_swf(*text, file)
                                  : read_wfformat(*text, file);
  if (!read) return read;
  auto& submissions = read->load.submissions;
  if (submissions.empty()) return fail(errc::invalid_argument, file + ": nothing in it ran");
  if (options.limit > 0 && submissions.size() > options.limit) submissions.resize(options.limit);
  // A simulation begins with the first submission, whatever the clock of the trace said.
  const auto first = submissions.front().at;
  for (auto& s : submissions) s.at -= first;
  if (options.speed != 1 && !divide_times(read->load, options.speed))
    return fail(errc::invalid_argument,
                file + ": at a speed of " + compact_number(options.speed) +
                    " some of its times are longer than 10 years");
  return read;
}

}  // namespace troupe::cli
