// The zones that schedules name, read from the system's zone files.
#pragma once

#include <map>
#include <string>

#include "libruntime/options.hpp"
#include "libruntime/settings.hpp"
#include "libruntime/time_zone.hpp"

namespace troupe::config {

// "UTC", a fixed offset, or the name of a file below $TZDIR or /usr/share/zoneinfo. The error says
// what to do.
tl::expected<time_zone, std::string> load_time_zone(const std::string& name);

// Every zone that `s` names. Zones that can't be read are left out; check_time_zones() says so.
std::map<std::string, time_zone> time_zones_of(const cluster_settings& s);

// Reports each schedule entry whose zone can't be read, at its place in the file.
void check_time_zones(const cluster_settings& s, option_report& report);

}  // namespace troupe::config
