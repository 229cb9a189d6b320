#include "cli/load_file.hpp"

#include <algorithm>
#include <limits>

#include "cli/inputs.hpp"

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

duration divided(duration d, double by) {
  return duration{static_cast<duration::rep>(static_cast<double>(d.count()) / by)};
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
  for (auto& s : submissions) {
    s.at = divided(s.at - first, options.speed);
    for (auto& t : s.tasks) t.run_time = divided(t.run_time, options.speed);
  }
  return read;
}

}  // namespace troupe::cli
