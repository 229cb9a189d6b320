// What must hold between options of a cluster. See settings_options.hpp.
#include "libruntime/settings_options.hpp"

namespace troupe {

namespace {

std::string share(double d) {
  return option_scalar<double>::format(d);
}

void check_network(const cluster_settings& s, option_report& report) {
  const auto& listen = s.scheduler.listen;
  const auto& http = s.scheduler.http;
  if (s.security.tls == tls_mode::off) {
    if (!is_loopback(listen)) {
      report.conflict("security.tls",
                      "off is accepted on loopback only, and scheduler.listen is " +
                          to_string(listen) + "; turn TLS on or listen on 127.0.0.1",
                      {"scheduler.listen"});
    } else {
      report.warn("security.tls",
                  "off: every process on this machine can read and change what the cluster does");
    }
  }
  if (http && !is_loopback(*http)) {
    report.conflict("scheduler.http",
                    to_string(*http) +
                        " can be reached from other machines, but has no TLS; expected an address "
                        "on loopback such as 127.0.0.1:" +
                        std::to_string(http->port) +
                        ", or off (scheduler.listen serves the same "
                        "over TLS)");
  }
  if (http && *http == listen && listen.port != 0) {
    report.conflict(
        "scheduler.http",
        to_string(*http) + " is taken by scheduler.listen; expected another port, or off",
        {"scheduler.listen"});
  }
}

void check_worker(const worker_settings& w, const std::string& path, option_report& report) {
  if (w.spill > w.pause) {
    report.conflict(path + ".spill",
                    share(w.spill) + " is above " + path + ".pause (" + share(w.pause) +
                        "); expected spill <= pause <= terminate",
                    {path + ".pause"});
  }
  if (w.pause > w.terminate) {
    report.conflict(path + ".pause",
                    share(w.pause) + " is above " + path + ".terminate (" + share(w.terminate) +
                        "); expected spill <= pause <= terminate",
                    {path + ".terminate"});
  }
  if (w.lost_after < 2 * w.heartbeat_interval) {
    report.conflict(path + ".lost_after",
                    format_duration(w.lost_after) +
                        " is less than two heartbeats; expected at "
                        "least twice " +
                        path + ".heartbeat_interval (" + format_duration(w.heartbeat_interval) +
                        ")",
                    {path + ".heartbeat_interval"});
  }
  for (std::string_view name : {"cpus", "memory"}) {
    if (w.resources.get(name) == 0) continue;
    report.conflict(path + ".resources." + std::string{name},
                    std::string{"not to be given here; expected "} + path +
                        (name == "cpus" ? ".slots" : ".memory") + " to say it");
  }
  if (w.resources.entries().size() > 64) {
    report.conflict(path + ".resources", "more than 64 kinds of resources");
  }
}

void check_pool(const pool_settings& p, const std::string& path, option_report& report) {
  if (p.max && *p.max < p.min) {
    const auto* origin = report.origin_of(path + ".max");
    bool max_given = origin && origin->from != option_origin::source::standard;
    auto values =
        max_given
            ? std::to_string(*p.max) + " is below " + path + ".min (" + std::to_string(p.min) + ")"
            : std::to_string(p.min) + " is above " + path + ".max (" + std::to_string(*p.max) + ")";
    report.conflict(path + (max_given ? ".max" : ".min"),
                    values + "; expected min <= max (equal: a pool of fixed size)",
                    {path + ".min", path + ".max"});
  }
  if (p.launch.backoff_initial > p.launch.backoff_max) {
    report.conflict(path + ".launch.backoff_initial",
                    format_duration(p.launch.backoff_initial) + " is above " + path +
                        ".launch.backoff_max (" + format_duration(p.launch.backoff_max) +
                        "); expected backoff_initial <= backoff_max",
                    {path + ".launch.backoff_max"});
  }
  check_worker(p.worker, path + ".worker", report);
}

}  // namespace

void validate(const cluster_settings& s, option_report& report) {
  check_network(s, report);
  if (s.pools.size() > 256) {
    report.conflict("pools", std::to_string(s.pools.size()) + " pools; expected at most 256");
  }
  for (std::size_t i = 0; i < s.pools.size(); ++i) {
    check_pool(s.pools[i], "pools[" + std::to_string(i) + "]", report);
  }
  validate_scaling(s, report);
}

}  // namespace troupe
