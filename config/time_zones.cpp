// See time_zones.hpp.
#include "config/time_zones.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace troupe::config {

namespace {

// Names are relative paths of plain words: nothing that leads out of the folder.
bool is_zone_name(const std::string& name) {
  if (name.empty() || name.size() > 100 || name.front() == '/' || name.back() == '/') return false;
  if (name.find("..") != std::string::npos) return false;
  return name.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
         std::string::npos;
}

std::string unknown(const std::string& name) {
  return quote(name) +
         " is no time zone known here; expected UTC, an offset such as +02:00, or a name "
         "such as Europe/Berlin (names need the package tzdata)";
}

template <class F>
void each_entry(const cluster_settings& s, F f) {
  auto all = [&](const scaling_settings& scaling, const std::string& path) {
    for (std::size_t i = 0; i < scaling.schedule.size(); ++i)
      f(scaling.schedule[i], path + ".schedule[" + std::to_string(i) + "]");
  };
  all(s.autoscaler, "autoscaler");
  for (std::size_t i = 0; i < s.pools.size(); ++i)
    all(s.pools[i].autoscaler, "pools[" + std::to_string(i) + "].autoscaler");
}

}  // namespace

tl::expected<time_zone, std::string> load_time_zone(const std::string& name) {
  if (auto fixed = time_zone::fixed(name)) return *fixed;
  if (!is_zone_name(name)) return tl::unexpected(unknown(name));
  const char* folder = std::getenv("TZDIR");
  const auto file =
      std::filesystem::path{folder && *folder ? folder : "/usr/share/zoneinfo"} / name;
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error || size > (1 << 20)) return tl::unexpected(unknown(name));
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  auto zone = time_zone::of_file(name, bytes);
  if (!zone)
    return tl::unexpected(quote(name) + " can't be used: " + file.string() + " " + zone.error());
  return zone;
}

std::map<std::string, time_zone> time_zones_of(const cluster_settings& s) {
  std::map<std::string, time_zone> out;
  each_entry(s, [&](const scheduled_min_settings& entry, const std::string&) {
    if (out.contains(entry.timezone)) return;
    if (auto zone = load_time_zone(entry.timezone)) out.emplace(entry.timezone, std::move(*zone));
  });
  return out;
}

void check_time_zones(const cluster_settings& s, option_report& report) {
  each_entry(s, [&](const scheduled_min_settings& entry, const std::string& path) {
    // What a pool has from the cluster is reported there.
    if (path.starts_with("pools") && !report.origin_of(path)) return;
    auto zone = load_time_zone(entry.timezone);
    if (!zone) report.conflict(path + ".timezone", zone.error(), {path + ".timezone"});
  });
}

}  // namespace troupe::config
