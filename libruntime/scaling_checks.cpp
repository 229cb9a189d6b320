// What must hold between options of the autoscaler. See settings_options.hpp.
#include <algorithm>

#include "libruntime/cron.hpp"
#include "libruntime/settings_options.hpp"

namespace troupe {

namespace {

std::string at(const std::string& list, std::size_t i) {
  return list + "[" + std::to_string(i) + "]";
}

// Each policy is looked at in every decision, so their number is bounded.
void check_rates(const scaling_settings& s, const std::string& path, option_report& report) {
  for (const auto& [name, policies] :
       {std::pair{".scale_up", &s.scale_up.policies}, {".scale_down", &s.scale_down.policies}}) {
    if (policies->size() > 16) {
      report.conflict(path + name + ".policies", "more than 16 policies");
    }
  }
}

// `pool`: whose schedule it is; null: of all pools that have none of their own.
void check_schedule(const scaling_settings& s, const pool_settings* pool, const std::string& path,
                    option_report& report) {
  if (s.schedule.size() > 64) {
    report.conflict(path + ".schedule", "more than 64 entries");
    return;
  }
  for (std::size_t i = 0; i < s.schedule.size(); ++i) {
    const auto& entry = s.schedule[i];
    const auto where = at(path + ".schedule", i);
    auto cron = cron_expression::parse(entry.cron);
    if (!cron) {
      report.conflict(where + ".cron", quote(entry.cron) + " is no schedule: " + cron.error(),
                      {where + ".cron"});
    }
    if (pool && pool->max && entry.min > *pool->max) {
      report.conflict(where + ".min",
                      std::to_string(entry.min) + " is above max (" + std::to_string(*pool->max) +
                          ") of pool " + quote(pool->name) + "; expected min <= max",
                      {where + ".min"});
    }
    if (cron && !entry.lasts && s.schedule.size() == 1) {
      report.warn(where,
                  "holds for ever from its first moment on; `for` would end it, or another "
                  "entry");
    }
  }
}

bool is_url(const std::string& url) {
  const auto rest = url.starts_with("https://")  ? url.substr(8)
                    : url.starts_with("http://") ? url.substr(7)
                                                 : std::string{};
  return !rest.empty() && rest.front() != '/' &&
         std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > ' ' && c != 127; }) &&
         rest.find_first_of("?#") == std::string::npos;
}

void check_prometheus(const prometheus_settings& p, option_report& report) {
  const std::string path = "autoscaler.prometheus";
  if (p.url.find('@') != std::string::npos) {  // not shown: it has a password in it
    report.conflict(path + ".url",
                    "names who asks; expected username and password, or a token, to "
                    "say it");
  } else if (!p.url.empty() && !is_url(p.url)) {
    report.conflict(path + ".url", quote(p.url) +
                                       " is no address of a server; expected one such as "
                                       "http://127.0.0.1:9090");
  }
  const bool basic = !p.username.empty() || p.password || !p.password_file.empty();
  const bool bearer = p.token || !p.token_file.empty();
  if (basic && bearer) {
    report.conflict(path, "has both username or password and a token; expected one of them");
  }
  if (basic && p.username.empty()) {
    report.conflict(path, "has a password but no username");
  }
  if (p.password && !p.password_file.empty()) {
    report.conflict(path + ".password_file",
                    "the password is given twice; expected password or "
                    "password_file");
  }
  if (p.token && !p.token_file.empty()) {
    report.conflict(path + ".token_file", "the token is given twice; expected token or token_file");
  }
  // A secret that anybody on the way can read is none.
  const auto rest = p.url.starts_with("http://") ? p.url.substr(7) : std::string{};
  const auto host = rest.substr(0, rest.find('/'));
  const auto where = parse_host_port(host).value_or(host_port{host, 0});
  if ((basic || bearer) && !rest.empty() && !is_loopback(where)) {
    report.warn(path + ".url",
                "the password or token travels without encryption; expected https://");
  }
}

// Brackets and quotes of PromQL that don't pair up; the rest only the server can judge.
std::string unpaired(const std::string& query) {
  std::string open;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const char c = query[i];
    if (c == '#') {  // a comment
      i = std::min(query.find('\n', i), query.size());
    } else if (c == '"' || c == '\'' || c == '`') {
      auto end = i + 1;
      while (end < query.size() && query[end] != c) end += query[end] == '\\' && c != '`' ? 2 : 1;
      if (end >= query.size()) return std::string{"the quote "} + c + " is never closed";
      i = end;
    } else if (c == '(' || c == '[' || c == '{') {
      open += c == '(' ? ')' : static_cast<char>(c + 2);
    } else if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c)
        return std::string{"a bracket "} + c + " closes nothing";
      open.pop_back();
    }
  }
  return open.empty() ? "" : std::string{"a bracket is never closed; expected "} + open.back();
}

void check_query(const signal_settings& s, const prometheus_settings& server,
                 const std::string& where, option_report& report) {
  if (s.source != signal_source::prometheus) {
    if (!s.query.empty()) {
      report.conflict(where + ".query",
                      "is for signals of a Prometheus, and this one's source is " +
                          std::string{to_string(s.source)},
                      {where + ".source"});
    }
    return;
  }
  if (s.query.find_first_not_of(" \t\n") == std::string::npos) {
    report.conflict(where, "has no query; expected PromQL, or another `source`",
                    {where + ".query", where + ".source"});
    return;
  }
  if (auto wrong = unpaired(s.query); !wrong.empty()) {
    report.conflict(where + ".query", quote(s.query) + " is no PromQL: " + wrong);
  }
  if (server.url.empty()) {
    report.conflict(where, "has nobody to ask; expected autoscaler.prometheus.url",
                    {"autoscaler.prometheus.url"});
  }
}

void check_signal(const cluster_settings& all, std::size_t i, option_report& report) {
  const auto& s = all.autoscaler.signals[i];
  const auto where = at("autoscaler.signals", i);
  check_query(s, all.autoscaler.prometheus, where, report);
  if (!(s.target > 0)) {
    report.conflict(where + ".target",
                    option_scalar<double>::format(s.target) + " is no target; expected more than 0",
                    {where + ".target"});
  }
  if (s.timeout > s.interval) {
    report.conflict(where + ".timeout",
                    format_duration(s.timeout) + " is above " + where + ".interval (" +
                        format_duration(s.interval) + "); expected timeout <= interval",
                    {where + ".timeout", where + ".interval"});
  }
  if (s.freshness < s.interval + s.timeout) {
    report.conflict(where + ".freshness",
                    format_duration(s.freshness) + " is below " + where + ".interval and timeout (" +
                        format_duration(s.interval + s.timeout) +
                        "): an answer would be too old before the next; expected "
                        "freshness >= interval + timeout",
                    {where + ".freshness", where + ".interval", where + ".timeout"});
  }
  std::vector<std::string> names;
  for (const auto& pool : all.pools) names.push_back(pool.name);
  for (const auto& name : s.pools) {
    if (all.pool(name)) continue;
    const auto near = nearest(name, names);
    report.conflict(where + ".pools", "there is no pool " + quote(name) +
                                          (near.empty() ? "" : "; did you mean " + near + "?"));
  }
}

void check_totals(const cluster_settings& s, option_report& report) {
  std::uint64_t least = 0;
  double cost = 0;
  for (const auto& p : s.pools) {
    least += p.min;
    cost += p.min * p.cost_per_hour;
  }
  const auto& a = s.autoscaler;
  if (a.max_workers && least > *a.max_workers) {
    report.conflict("autoscaler.max_workers", std::to_string(*a.max_workers) +
                                                  " is below the sum of the pools' min (" +
                                                  std::to_string(least) + ")");
  }
  if (a.budget.per_hour && cost > *a.budget.per_hour) {
    report.conflict("autoscaler.budget.per_hour",
                    option_scalar<double>::format(*a.budget.per_hour) +
                        " is less than the pools' min cost an hour (" +
                        option_scalar<double>::format(cost) + ")");
  }
}

}  // namespace

void validate_scaling(const cluster_settings& s, option_report& report) {
  check_rates(s.autoscaler, "autoscaler", report);
  check_schedule(s.autoscaler, nullptr, "autoscaler", report);
  check_prometheus(s.autoscaler.prometheus, report);
  if (s.autoscaler.signals.size() > 256) {
    report.conflict("autoscaler.signals", "more than 256 signals");
  } else {
    for (std::size_t i = 0; i < s.autoscaler.signals.size(); ++i) check_signal(s, i, report);
  }
  check_totals(s, report);
  for (std::size_t i = 0; i < s.pools.size(); ++i) {
    const auto path = at("pools", i) + ".autoscaler";
    // A pool that says nothing has the cluster's, which was checked already.
    if (!report.origin_of(path)) continue;
    check_rates(s.pools[i].autoscaler, path, report);
    if (report.origin_of(path + ".schedule"))
      check_schedule(s.pools[i].autoscaler, &s.pools[i], path, report);
  }
}

}  // namespace troupe
