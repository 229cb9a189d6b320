// What the clock on the wall shows somewhere: offsets from UTC and when they change. Pure: the
// bytes of a zone's file come in as an argument (config/time_zones.hpp reads it).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace troupe {

class time_zone {
 public:
  time_zone() = default;  // UTC

  // "UTC" and fixed offsets, "+02:00" or "-0530". Nothing: any other name.
  static std::optional<time_zone> fixed(std::string_view name);
  // A compiled zone (RFC 8536, versions 1 to 4), with its rule for the years after its last
  // transition. The error says what is wrong with the bytes.
  static tl::expected<time_zone, std::string> of_file(std::string name, std::string_view bytes);

  const std::string& name() const { return name_; }
  std::int32_t offset_at(std::int64_t unix_seconds) const;  // seconds east of UTC
  std::int64_t to_local(std::int64_t unix_seconds) const {
    return unix_seconds + offset_at(unix_seconds);
  }
  // A time that the clock shows twice means the first; one that it skips is shifted by what was
  // skipped, so that 02:30 in the hour that summer time takes is 03:30.
  std::int64_t to_unix(std::int64_t local) const;

 private:
  struct transition {
    std::int64_t at = 0;  // from then on
    std::int32_t offset = 0;
  };
  // The day and time at which a yearly rule switches: month, week (5: the last), day of the week.
  struct yearly_switch {
    int month = 1, week = 1, weekday = 0;
    std::int32_t time = 7200;  // seconds of the local day before the switch
  };
  struct yearly_rule {
    std::int32_t standard = 0, summer = 0;
    bool has_summer = false;
    yearly_switch to_summer, to_standard;
  };
  friend class zone_file;  // the reader, in time_zone.cpp

  static std::int64_t moment(const yearly_switch& s, std::int64_t year);
  std::int32_t offset_by_rule(std::int64_t unix_seconds) const;

  std::string name_ = "UTC";
  std::int32_t first_offset_ = 0;
  std::vector<transition> transitions_;
  std::optional<yearly_rule> rule_;  // after the last transition
};

}  // namespace troupe
