#include "cli/simulation_report.hpp"

#include <cmath>

#include "cli/text.hpp"

namespace troupe::cli {

namespace {

std::string rounded(double x, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}

// For machines too: no more digits than mean something.
double thousandths(double x) {
  return std::round(x * 1000) / 1000;
}

}  // namespace

table table_of(const std::vector<simulated>& runs) {
  table t({{"POLICY"},
           {"SETTING"},
           {"DONE", align::right},
           {"MAKESPAN", align::right},
           {"WAIT P50", align::right},
           {"P95", align::right},
           {"P99", align::right},
           {"WORKER-HOURS", align::right},
           {"COST", align::right},
           {"UTILISED", align::right},
           {"STARTS", align::right},
           {"TURNS", align::right},
           {"PEAK", align::right},
           {"OVERSHOOT", align::right}});
  for (const auto& r : runs) {
    const auto& o = r.result;
    const bool all = o.tasks.finished == o.tasks.submitted;
    const auto done = all ? human_count(o.tasks.finished)
                          : human_count(o.tasks.finished) + "/" + human_count(o.tasks.submitted);
    t.add({o.policy,
           r.setting,
           {done, all ? style::plain : style::red},
           human_seconds(to_seconds(o.makespan)),
           human_seconds(o.wait_p50),
           human_seconds(o.wait_p95),
           human_seconds(o.wait_p99),
           rounded(o.worker_hours, 2),
           rounded(o.cost, 2),
           rounded(100 * o.utilisation, 1) + " %",
           human_count(o.launches),
           human_count(o.reversals),
           human_count(o.peak_workers),
           human_count(o.overshoot())});
  }
  return t;
}

json json_of(const simulated& run) {
  const auto& o = run.result;
  return {{"policy", o.policy},
          {"setting", run.setting},
          {"knob", run.knob},
          {"load", run.load},
          {"seed", run.seed},
          {"tasks", o.tasks.submitted},
          {"finished", o.tasks.finished},
          {"failed", o.tasks.failed},
          {"refused", o.tasks.refused},
          {"unfinished", o.tasks.unended()},
          {"makespan_s", thousandths(to_seconds(o.makespan))},
          {"length_s", thousandths(to_seconds(o.length))},
          {"wait_p50_s", thousandths(o.wait_p50)},
          {"wait_p95_s", thousandths(o.wait_p95)},
          {"wait_p99_s", thousandths(o.wait_p99)},
          {"wait_mean_s", thousandths(o.wait_mean)},
          {"wait_max_s", thousandths(o.wait_max)},
          {"worker_hours", thousandths(o.worker_hours)},
          {"cost", thousandths(o.cost)},
          {"utilisation", thousandths(o.utilisation)},
          {"churn", o.launches + o.ends},
          {"launches", o.launches},
          {"ends", o.ends},
          {"called_off", o.called_off},
          {"reversals", o.reversals},
          {"overshoot", o.overshoot()},
          {"peak_workers", o.peak_workers},
          {"peak_busy", o.peak_busy},
          {"failed_starts", o.failed_starts},
          {"crashes", o.crashes},
          {"preemptions", o.preemptions},
          {"decisions", o.decisions}};
}

}  // namespace troupe::cli
