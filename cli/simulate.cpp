// troupe simulate: what a cluster would do with a load, before a machine is paid for.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <thread>

#include "autoscaler/simulator/bounds.hpp"
#include "autoscaler/simulator/generated_load.hpp"
#include "autoscaler/simulator/plot.hpp"
#include "cli/commands.hpp"
#include "cli/load_file.hpp"
#include "cli/load_rows.hpp"
#include "cli/simulate.hpp"
#include "cli/simulation_report.hpp"
#include "cli/text.hpp"
#include "config/time_zones.hpp"
#include "libruntime/units.hpp"

namespace troupe::cli {
namespace {

using namespace simulator;

const std::vector<std::string> policy_names{"ours", "dask", "hpa", "fixed"};
constexpr duration shortest_interval = std::chrono::milliseconds{10};  // every decision is computed

struct simulate_flags {
  std::string file, load = "step", format;
  std::string begins, length, period, run_time = "10s~40s", expected;
  double rate = 1, speed = 1;
  std::uint64_t limit = 0, seed = 1;
  std::string boot, notice;
  std::optional<double> launch_failures, boot_failures, crashes, preemptions;
  std::vector<std::string> policies{"ours"};
  std::string target_duration, dask_target = "5s";
  double hpa_target = 1;
  std::string hpa_sync = "15s", hpa_window = "5m";
  std::optional<std::uint32_t> fixed;
  std::string time_line, plot;
};

// ---- reading flags

duration duration_of(const char* flag, const std::string& text) {
  auto d = parse_duration(text);
  if (!d || *d <= duration{})
    refuse_usage(std::string{flag} + ": " + in_quotes(text) + " is not a time such as 30s or 1h30m");
  if (*d > longest_time)
    refuse_usage(std::string{flag} + ": " + in_quotes(text) + " is more than " +
                 format_duration(longest_time));
  return *d;
}

spread spread_of(const char* flag, const std::string& text) {
  auto s = parse_spread(text);
  if (!s)
    refuse_usage(std::string{flag} + ": " + in_quotes(text) +
                 " is not a time (30s), a range (20s-60s), or median and 99th percentile (40s~2m), "
                 "each up to " + format_duration(longest_time));
  return *s;
}

// A day, or day and time, in UTC.
std::int64_t moment_of(const char* flag, const std::string& text) {
  for (const auto* format : {"%Y-%m-%d", "%Y-%m-%dT%H:%M"}) {
    std::tm t{};
    std::istringstream in{text};
    in >> std::get_time(&t, format);
    if (in.fail() || in.peek() != std::istringstream::traits_type::eof()) continue;
    const std::chrono::year_month_day day{std::chrono::year{t.tm_year + 1900},
                                          std::chrono::month(static_cast<unsigned>(t.tm_mon + 1)),
                                          std::chrono::day(static_cast<unsigned>(t.tm_mday))};
    if (!day.ok()) break;
    const auto seconds = std::chrono::sys_days{day}.time_since_epoch() +
                         std::chrono::hours{t.tm_hour} + std::chrono::minutes{t.tm_min};
    return std::chrono::duration_cast<std::chrono::seconds>(seconds).count();
  }
  refuse_usage(std::string{flag} + ": " + in_quotes(text) +
               " is not a day such as 2024-01-31 or a time such as 2024-01-31T08:00");
}

bool is_generated(const simulate_flags& f) {
  return parse_load_shape(f.load).has_value();
}

generated_load_settings generated_of(const simulate_flags& f) {
  generated_load_settings g;
  g.shape = *parse_load_shape(f.load);
  if (g.shape == load_shape::diurnal) g.length = std::chrono::hours{24};
  if (!f.length.empty()) g.length = duration_of("--length", f.length);
  if (!f.period.empty()) g.period = duration_of("--period", f.period);
  if (!f.expected.empty()) g.kind.expected = duration_of("--expected", f.expected);
  g.run_time = spread_of("--run-time", f.run_time);
  g.rate = f.rate;
  g.seed = f.seed;
  const auto period = to_seconds(g.period > duration{} ? g.period : g.default_period());
  const auto burst = period * g.rate / 10;
  if (g.shape == load_shape::burst && burst > static_cast<double>(most_recorded_tasks))
    refuse_usage("--rate: a burst would have " + compact_number(burst) + " tasks, more than " +
                 human_count(most_recorded_tasks));
  return g;
}

std::shared_ptr<const recorded_load> recorded_of(context& c, const simulate_flags& f) {
  if (!std::filesystem::exists(f.load) && f.load != "-") {
    std::vector<std::string> shapes;
    for (auto s : load_shapes) shapes.emplace_back(to_string(s));
    refuse_usage("--load: " + in_quotes(f.load) + " is no file, nor step, ramp, burst or diurnal" +
                 did_you_mean(f.load, shapes));
  }
  auto read = read_load_file(f.load, {f.format, f.speed, f.limit});
  if (!read) refuse_usage(read.error().message);
  if (read->skipped > 0)
    c.out.note(plural(read->skipped, "job") + " skipped, each of which " + read->skipped_why);
  return std::make_shared<const recorded_load>(std::move(read->load));
}

// How the pool's provider behaves, by its type and then by the flags.
conditions conditions_of(const pool_settings& p, const simulate_flags& f) {
  conditions w;
  if (auto* fake = std::get_if<fake_provider_settings>(&p.provider)) {
    w.boot = spread::exactly(fake->launch_delay);
    w.launch_failures = fake->failure_rate;
    w.capacity = fake->capacity;
  } else {
    w.boot = spread::exactly(std::chrono::seconds{1});  // a process or thread on this machine
  }
  w.call = w.stop = spread::exactly(std::chrono::milliseconds{200});
  if (!f.boot.empty()) w.boot = spread_of("--boot", f.boot);
  if (!f.notice.empty()) w.notice = duration_of("--notice", f.notice);
  w.launch_failures = f.launch_failures.value_or(w.launch_failures);
  w.boot_failures = f.boot_failures.value_or(0);
  w.crashes = f.crashes.value_or(0);
  w.preemptions = f.preemptions.value_or(0);
  return w;
}

cluster_settings cluster_of(context& c, const simulate_flags& f) {
  auto s = load_settings(c.out, f.file).settings;
  if (s.pools.empty()) refuse_usage("the cluster has no pools: nothing could run");
  for (auto& p : s.pools) {
    if (p.worker.slots == 0) p.worker.slots = std::max(1u, std::thread::hardware_concurrency());
    if (!f.target_duration.empty())
      p.autoscaler.target_duration = duration_of("--target-duration", f.target_duration);
    const auto boot = conditions_of(p, f).boot;
    if (boot.high >= p.boot_deadline)
      c.out.warning("pool " + in_quotes(p.name) + ": boots take up to " + format_duration(boot.high) +
                    ", and boot_deadline is " + format_duration(p.boot_deadline) +
                    ": launches will be given up");
  }
  return s;
}

simulator::wall_clock wall_clock_of(context& c, const cluster_settings& cluster,
                                    const simulate_flags& f) {
  for (const auto& s : cluster.autoscaler.signals)
    if (is_foreign(s))
      c.out.warning("signal " + in_quotes(s.name) + " is left out: there is no Prometheus to ask");
  simulator::wall_clock wall;
  if (!f.begins.empty()) wall.unix_seconds = moment_of("--begin", f.begins);
  wall.zones = config::time_zones_of(cluster);
  return wall;
}

std::vector<std::string> chosen_policies(const simulate_flags& f) {
  std::vector<std::string> out;
  for (const auto& name : f.policies) {
    for (const auto& known : policy_names)
      if (name == "all" || name == known)
        if (std::find(out.begin(), out.end(), known) == out.end()) out.push_back(known);
  }
  return out;
}

// Rules of others know a pool's minimum and maximum, and nothing else of the file.
void warn_of_what_rivals_ignore(context& c, const cluster_settings& cluster,
                                const std::vector<std::string>& names) {
  if (names == std::vector<std::string>{"ours"}) return;
  const auto& all = cluster.autoscaler;
  std::vector<std::string> ignored;
  if (all.max_workers) ignored.emplace_back("max_workers");
  if (all.budget.per_hour || all.budget.total) ignored.emplace_back("budget");
  if (std::any_of(cluster.pools.begin(), cluster.pools.end(),
                  [](const auto& p) { return !p.autoscaler.schedule.empty(); }))
    ignored.emplace_back("schedule");
  for (const auto& what : ignored)
    c.out.warning("autoscaler." + what + " is ignored by all policies but ours");
}

// ---- running

std::unique_ptr<scaling_policy> policy_of(const std::string& name, const cluster_settings& cluster,
                                          const wall_clock& wall, const simulate_flags& f,
                                          simulated& run) {
  if (name == "ours") {
    const auto target = cluster.pools.front().autoscaler.target_duration;
    run.setting = "target " + format_duration(target);
    run.knob = to_seconds(target);
    return make_shipped_policy(cluster, wall);
  }
  if (name == "dask") {
    dask_settings d;
    d.target_duration = duration_of("--dask-target", f.dask_target);
    run.setting = "target " + format_duration(d.target_duration);
    run.knob = to_seconds(d.target_duration);
    return make_dask_policy(cluster, d);
  }
  if (name == "hpa") {
    hpa_settings h;
    h.target = f.hpa_target;
    h.sync = h.up_period = duration_of("--hpa-sync", f.hpa_sync);
    if (h.sync < shortest_interval)
      refuse_usage("--hpa-sync: " + in_quotes(f.hpa_sync) + " is less than " +
                   format_duration(shortest_interval));
    h.stabilization = duration_of("--hpa-window", f.hpa_window);
    run.setting = compact_number(h.target) + (h.target == 1 ? " task a worker" : " tasks a worker");
    run.knob = h.target;
    return make_hpa_policy(cluster, h);
  }
  auto policy = make_fixed_policy(cluster, f.fixed);
  run.knob = policy->floor(cluster.pools.front());
  run.setting = compact_number(run.knob) + (run.knob == 1 ? " worker" : " workers");
  return policy;
}

void write_file(const std::string& file, const std::string& text) {
  std::ofstream out(file, std::ios::trunc | std::ios::binary);
  out << text;
  out.close();
  if (!out) request_failed("can't write " + file);
}

// "plot.svg" → "plot-dask.svg", where there is one file for each policy.
std::string file_for(const std::string& file, const std::string& policy, bool several) {
  if (!several) return file;
  std::filesystem::path p(file);
  auto name = p.stem().string() + "-" + policy + p.extension().string();
  return p.replace_filename(name).string();
}

std::string title_of(const simulated& run) {
  const auto& o = run.result;
  auto name = std::filesystem::path(run.load).filename().string();
  return name + ", policy " + o.policy + " (" + run.setting + "): wait p95 " +
         human_seconds(o.wait_p95) + ", " + compact_number(o.worker_hours) + " worker-hours";
}

exit_code run_simulate(context& c, const simulate_flags& f) {
  const auto cluster = cluster_of(c, f);
  std::shared_ptr<const recorded_load> recorded;
  generated_load_settings generated;
  if (is_generated(f))
    generated = generated_of(f);
  else
    recorded = recorded_of(c, f);
  simulation_settings s;
  s.cluster = cluster;
  s.seed = f.seed;
  for (const auto& p : cluster.pools) s.worlds.push_back(conditions_of(p, f));

  const auto wall = wall_clock_of(c, cluster, f);
  std::vector<simulated> runs;
  const auto names = chosen_policies(f);
  warn_of_what_rivals_ignore(c, cluster, names);
  for (const auto& name : names) {
    simulated run;
    run.load = f.load;
    run.seed = f.seed;
    auto policy = policy_of(name, cluster, wall, f, run);
    c.out.note("Simulating " + name + " …");
    simulation world(s, recorded ? replay(recorded) : generate(generated), std::move(policy));
    run.result = world.run();
    const auto& o = run.result;
    if (o.tasks.refused > 0)
      c.out.warning(plural(o.tasks.refused, "task") + " refused, the first because " +
                    o.why_refused);
    if (o.stuck)
      c.out.warning(plural(o.tasks.unended(), "task") + " left: nothing would run them any more");
    if (!f.plot.empty())
      write_file(file_for(f.plot, name, names.size() > 1), time_line_svg(o, title_of(run)));
    runs.push_back(std::move(run));
  }
  if (!f.time_line.empty()) {
    std::string text;
    for (const auto& r : runs) text += time_line_csv(r.result, text.empty());
    write_file(f.time_line, text);
  }
  if (c.out.is_json()) {
    json all = json::array();
    for (const auto& r : runs) all.push_back(json_of(r));
    c.out.print_json(all);
  } else if (c.out.is_table()) {
    c.out.print(table_of(runs));
  }
  return exit_code::done;
}

// ---- the command

const char* manual =
    "  troupe simulate -f cluster.yaml --load step\n"
    "  troupe simulate -f cluster.yaml --load diurnal --length 365d --rate 0.2\n"
    "  troupe simulate -f cluster.yaml --load burst --policy all -o json\n"
    "  troupe simulate -f cluster.yaml --load jobs.csv --plot run.svg\n"
    "  troupe simulate -f cluster.yaml --load log.swf --boot 40s~2m --crashes 0.01\n\n"
    "Runs the scheduler and the autoscaling policy of this program on a virtual clock,\n"
    "around pretend machines: seconds of computing for days of a cluster. The same\n"
    "flags and --seed give the same run.\n\n"
    "Loads, by --rate, --length, --run-time and --period (Poisson arrivals):\n"
    "  step      nothing for a tenth of the length, then the rate to the end\n"
    "  ramp      rises evenly to the rate in the middle, and falls again\n"
    "  burst     a tenth of the rate; in every period a tenth of it at once\n"
    "  diurnal   a day's wave between a twentieth of the rate, at night, and the rate\n"
    "or a file of what really ran (--format, by default from its name):\n"
    "  csv       columns submit and run_time (seconds, or 1m30s), and any of name,\n"
    "            count, cpus, resources (GPU=1;licence=2), pool, priority, expected\n"
    "  swf       the Standard Workload Format; a job of n processors is n tasks\n"
    "  wfformat  a workflow of WfCommons (JSON); a graph, submitted at once\n"
    "  openb     Alibaba's cluster-trace-gpu-v2023; GPUs are asked for as GPU\n\n"
    "Times that vary are 30s, 20s-60s (evenly between), or 40s~2m (log-normal: median\n"
    "and 99th percentile).\n\n"
    "Policies, each alone with the same load and the same luck:\n"
    "  ours      that of this program, with the settings of the file\n"
    "  dask      Dask's Adaptive: occupancy by target duration, down after 3 s\n"
    "  hpa       Kubernetes' HorizontalPodAutoscaler on the number of tasks\n"
    "  fixed     so many workers all the time (default: the pool's maximum, or 10)\n\n"
    "Waits count from when a task is ready to when it first runs. Machines are paid\n"
    "from when they are made until they are gone; UTILISED is the part of that in\n"
    "which finished tasks ran, TURNS counts growth after shrinking and the reverse,\n"
    "OVERSHOOT workers at the peak that were never at work all together.\n"
    "docs/simulator.md says more.";

void add_load_options(CLI::App& command, simulate_flags& f) {
  command.add_option("--load", f.load, "step, ramp, burst, diurnal or a file (default: step)")
      ->type_name("LOAD");
  command.add_option("--format", f.format, "Of the file: csv, swf, wfformat or openb")
      ->type_name("FORMAT")
      ->check(one_of({"csv", "swf", "wfformat", "openb"}));
  command.add_option("--begin", f.begins, "For schedules, in UTC (default: 2024-01-01, a Monday)")
      ->type_name("DAY[THH:MM]");
  command.add_option("--length", f.length, "Of a generated load (default: 1h; diurnal: 24h)")
      ->type_name("TIME");
  command.add_option("--rate", f.rate, "Tasks a second at the top (default: 1)")
      ->type_name("RATE")
      ->check(CLI::Range(1e-9, 1e6).description(""));
  command.add_option("--run-time", f.run_time, "Of each task (default: 10s~40s)")
      ->type_name("TIMES");
  command.add_option("--period", f.period, "Of bursts (default: length/6) and waves (24h)")
      ->type_name("TIME");
  command.add_option("--expected", f.expected, "What the users say a task takes")
      ->type_name("TIME");
  command.add_option("--speed", f.speed, "Divides all times of a file (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(1e-6, 1e9).description(""));
  command.add_option("--limit", f.limit, "Only so many submissions of a file")
      ->type_name("N")
      ->check(in_range(1, INT64_MAX));
  command.add_option("--seed", f.seed, "Of everything that is random (default: 1)")
      ->type_name("N")
      ->check(in_range(0, INT64_MAX));
}

void add_world_options(CLI::App& command, simulate_flags& f) {
  const auto part = CLI::Range(0.0, 1.0).description("");
  const auto rate = CLI::Range(0.0, 3600.0).description("");
  command.add_option("--boot", f.boot, "From launch to registration (default: by provider)")
      ->type_name("TIMES");
  command.add_option("--launch-failures", f.launch_failures, "Part of launches that is refused")
      ->type_name("PART")
      ->check(part);
  command.add_option("--boot-failures", f.boot_failures, "Part of launches that never registers")
      ->type_name("PART")
      ->check(part);
  command.add_option("--crashes", f.crashes, "Of each worker, in an hour")
      ->type_name("RATE")
      ->check(rate);
  command.add_option("--preemptions", f.preemptions, "Of each worker, in an hour")
      ->type_name("RATE")
      ->check(rate);
  command.add_option("--notice", f.notice, "Of a preemption (default: 2m)")->type_name("TIME");
}

void add_policy_options(CLI::App& command, simulate_flags& f) {
  auto names = policy_names;
  names.emplace_back("all");
  command.add_option("--policy", f.policies, "ours, dask, hpa, fixed or all; several apart by ,")
      ->type_name("POLICY")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(one_of(names));
  command.add_option("--target-duration", f.target_duration, "Of ours, in place of the file's")
      ->type_name("TIME");
  command.add_option("--dask-target", f.dask_target, "Dask's target_duration (default: 5s)")
      ->type_name("TIME");
  command.add_option("--hpa-target", f.hpa_target, "Tasks a worker (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(1e-3, 1e9).description(""));
  command.add_option("--hpa-sync", f.hpa_sync, "Its interval and period of growth (default: 15s)")
      ->type_name("TIME");
  command.add_option("--hpa-window", f.hpa_window, "Its downward stabilisation (default: 5m)")
      ->type_name("TIME");
  command.add_option("--fixed", f.fixed, "Workers of the fixed size")
      ->type_name("N")
      ->check(in_range(0, 1'000'000));
}

}  // namespace

void add_simulate(command_line& line) {
  auto* command =
      line.add("simulate", group_other, "Try a cluster and its autoscaling on a virtual clock",
               manual);
  auto f = std::make_shared<simulate_flags>();
  command->add_option("-f,--file", f->file, "The cluster's YAML file (default: without one)")
      ->type_name("FILE");
  add_load_options(*command, *f);
  add_world_options(*command, *f);
  add_policy_options(*command, *f);
  command->add_option("--time-line", f->time_line, "Write samples of the run as CSV")
      ->type_name("FILE");
  command->add_option("--plot", f->plot, "Draw it as SVG; one for each of several policies")
      ->type_name("FILE");
  line.run(command, [&line, f] { return run_simulate(line.c, *f); });
}

}  // namespace troupe::cli
