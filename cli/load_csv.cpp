// Loads in CSV: jobs line by line, and Alibaba's openb trace.
#include <algorithm>

#include "autoscaler/simulator/bounds.hpp"
#include "cli/load_file.hpp"
#include "cli/load_rows.hpp"
#include "cli/text.hpp"

namespace troupe::cli {

namespace {

resource_set resources_of(const csv_table& t, std::size_t row) {
  auto words = t.at(row, "resources");
  std::replace(words.begin(), words.end(), ';', ',');
  auto r = resource_set::parse(words);
  if (!r) throw bad_row{t.line(row), "resources " + in_quotes(words) + ": " + r.error().message};
  for (const auto& [name, n] : r->entries())
    if (static_cast<double>(n) > simulator::most_resources * one_unit)
      throw bad_row{t.line(row), "resources " + in_quotes(words) + ": more than " +
                                     compact_number(simulator::most_resources) + " of " + name};
  if (!t.at(row, "cpus").empty()) {
    const auto cpus = t.number(row, "cpus", 0.001, simulator::most_resources);
    r->set("cpus", static_cast<amount>(std::llround(cpus * one_unit)));
  }
  return *r;
}

simulator::work_kind kind_of(const csv_table& t, std::size_t row) {
  simulator::work_kind k;
  k.function = t.at(row, "name").empty() ? "task" : t.at(row, "name");
  k.resources = resources_of(t, row);
  k.pool = t.at(row, "pool");
  if (!t.at(row, "priority").empty())
    k.priority = static_cast<std::int32_t>(t.whole(row, "priority", INT32_MIN, INT32_MAX));
  if (!t.at(row, "expected").empty()) k.expected = t.time(row, "expected");
  return k;
}

std::size_t count_of(const csv_table& t, std::size_t row) {
  if (t.at(row, "count").empty()) return 1;
  return static_cast<std::size_t>(t.whole(row, "count", 1, simulator::most_recorded_tasks));
}

template <class F>
result<file_load> reading(const std::string& file, F f) {
  try {
    file_load out;
    kind_table kinds;
    f(out, kinds);
    out.load.name = file;
    out.load.kinds = kinds.take();
    sort_submissions(out.load);
    return out;
  } catch (const bad_row& b) {
    return fail(errc::invalid_argument, in_line(file, b.line, b.words));
  }
}

}  // namespace

result<file_load> read_job_csv(std::string_view text, const std::string& file) {
  return reading(file, [&](file_load& out, kind_table& kinds) {
    const csv_table t(text, {"submit", "run_time"},
                      {"name", "count", "cpus", "resources", "pool", "priority", "expected"});
    // Before the memory for them is taken.
    task_limit limit;
    for (std::size_t row = 0; row < t.rows(); ++row)
      limit.take(static_cast<double>(count_of(t, row)), t.line(row));
    for (std::size_t row = 0; row < t.rows(); ++row) {
      simulator::submission s;
      s.at = t.time(row, "submit");
      const simulator::planned_task task{kinds.of(kind_of(t, row)), t.time(row, "run_time"), {}};
      s.tasks.assign(count_of(t, row), task);
      out.load.submissions.push_back(std::move(s));
    }
  });
}

result<file_load> read_openb(std::string_view text, const std::string& file) {
  return reading(file, [&](file_load& out, kind_table& kinds) {
    const csv_table t(text,
                      {"name", "cpu_milli", "num_gpu", "gpu_milli", "qos", "creation_time",
                       "deletion_time", "scheduled_time"},
                      {"memory_mib", "gpu_spec", "pod_phase"});
    out.skipped_why = "was never scheduled";
    for (std::size_t row = 0; row < t.rows(); ++row) {
      if (t.at(row, "scheduled_time").empty() || t.at(row, "deletion_time").empty()) {
        ++out.skipped;
        continue;
      }
      const auto gpus = t.number(row, "num_gpu", 0, simulator::most_resources);
      const auto most_milli = simulator::most_resources * one_unit;
      const auto cpu_milli = std::max(t.number(row, "cpu_milli", 0, most_milli), 1.0);
      const auto gpu_milli =
          gpus > 1 ? gpus * one_unit : gpus * t.number(row, "gpu_milli", 0, most_milli);
      simulator::work_kind k;
      k.resources.set("cpus", static_cast<amount>(cpu_milli));
      k.resources.set("GPU", static_cast<amount>(gpu_milli));
      // Pods of one size and class are most often of one service.
      k.function = t.at(row, "qos") + " " + to_string(k.resources);
      const auto run =
          to_seconds(t.time(row, "deletion_time")) - to_seconds(t.time(row, "scheduled_time"));
      simulator::submission s;
      s.at = t.time(row, "creation_time");
      s.tasks.push_back(
          {kinds.of(std::move(k)), trace_seconds(run, t.line(row), "the time it ran"), {}});
      out.load.submissions.push_back(std::move(s));
    }
  });
}

}  // namespace troupe::cli
