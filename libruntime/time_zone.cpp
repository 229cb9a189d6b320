// See time_zone.hpp. The format of zone files and of their last line is RFC 8536's.
#include "libruntime/time_zone.hpp"

#include <algorithm>
#include <chrono>

#include "libruntime/civil_time.hpp"

namespace troupe {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::int64_t year_of(std::int64_t seconds) {
  using namespace std::chrono;
  return int{year_month_day{sys_days{days{floor_div(seconds, day_seconds)}}}.year()};
}

}  // namespace

// Takes a zone's file apart. Every read is checked: the file may be anything.
class zone_file {
 public:
  explicit zone_file(std::string_view bytes) : bytes_(bytes) {}

  bool read(time_zone& out) {
    header h;
    if (!read_header(h)) return false;
    if (h.version >= 2) {  // the same again with 64-bit times
      skip(body_size(h, 4));
      if (!read_header(h)) return false;
      return read_body(h, 8, out) && read_rule(out);
    }
    return read_body(h, 4, out);
  }

 private:
  struct header {
    int version = 1;
    std::uint64_t utc_flags = 0, standard_flags = 0, leaps = 0, times = 0, types = 0, letters = 0;
  };

  static std::uint64_t body_size(const header& h, std::uint64_t width) {
    return h.times * (width + 1) + h.types * 6 + h.letters + h.leaps * (width + 4) +
           h.standard_flags + h.utc_flags;
  }

  void skip(std::uint64_t n) { at_ = n > bytes_.size() - at_ ? bytes_.size() : at_ + n; }

  std::int64_t number(std::uint64_t width) {
    std::uint64_t n = 0;
    for (std::uint64_t i = 0; i < width; ++i)
      n = n << 8 | (at_ < bytes_.size() ? static_cast<unsigned char>(bytes_[at_++]) : 0u);
    return width == 4 ? static_cast<std::int32_t>(n) : static_cast<std::int64_t>(n);
  }

  bool read_header(header& h) {
    if (bytes_.size() - at_ < 44 || bytes_.substr(at_, 4) != "TZif") return false;
    const char version = bytes_[at_ + 4];
    h.version = version == 0 ? 1 : version - '0';
    at_ += 20;
    for (auto* n : {&h.utc_flags, &h.standard_flags, &h.leaps, &h.times, &h.types, &h.letters})
      *n = static_cast<std::uint32_t>(number(4));
    return h.types > 0 && h.types <= 256;
  }

  bool read_body(const header& h, std::uint64_t width, time_zone& out) {
    if (body_size(h, width) > bytes_.size() - at_) return false;
    std::vector<std::int64_t> times(h.times);
    for (auto& t : times) t = number(width);
    std::vector<std::uint64_t> kinds(h.times);
    for (auto& k : kinds) k = static_cast<unsigned char>(bytes_[at_++]);
    std::vector<std::int32_t> offsets(h.types);
    for (auto& o : offsets) {
      o = static_cast<std::int32_t>(number(4));
      at_ += 2;
      if (o < -day_seconds || o > day_seconds) return false;
    }
    skip(h.letters + h.leaps * (width + 4) + h.standard_flags + h.utc_flags);
    if (!std::is_sorted(times.begin(), times.end())) return false;
    out.first_offset_ = offsets.front();
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (kinds[i] >= offsets.size()) return false;
      out.transitions_.push_back({times[i], offsets[kinds[i]]});
    }
    return true;
  }

  // The line at the end, such as "CET-1CEST,M3.5.0,M10.5.0/3". One that can't be read (rules by the
  // day of the year, which no zone has had for long) leaves the last transition in force.
  bool read_rule(time_zone& out) {
    if (at_ >= bytes_.size() || bytes_[at_] != '\n') return true;
    rest_ = bytes_.substr(at_ + 1);
    rest_ = rest_.substr(0, rest_.find('\n'));
    time_zone::yearly_rule rule;
    if (!name() || !duration_of(rule.standard)) return true;
    rule.standard = -rule.standard;  // POSIX counts west of UTC
    rule.summer = rule.standard + 3600;
    if (!rest_.empty()) {
      rule.has_summer = true;
      if (!name()) return true;
      if (!rest_.empty() && rest_.front() != ',') {
        if (!duration_of(rule.summer)) return true;
        rule.summer = -rule.summer;
      }
      if (!switch_on(rule.to_summer) || !switch_on(rule.to_standard) || !rest_.empty()) return true;
    }
    out.rule_ = rule;
    return true;
  }

  bool name() {
    std::size_t n = 0;
    if (!rest_.empty() && rest_.front() == '<') {
      n = rest_.find('>');
      if (n == std::string_view::npos) return false;
      ++n;
    } else {
      while (n < rest_.size() && ((rest_[n] | 32) >= 'a' && (rest_[n] | 32) <= 'z')) ++n;
    }
    rest_.remove_prefix(n);
    return n >= 3;
  }

  bool digits(int& out) {
    std::size_t n = 0;
    out = 0;
    for (; n < rest_.size() && n < 4 && is_digit(rest_[n]); ++n) out = out * 10 + (rest_[n] - '0');
    rest_.remove_prefix(n);
    return n > 0;
  }

  bool literal(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool duration_of(std::int32_t& out) {  // [+-]h[:m[:s]]
    const bool negative = literal('-');
    if (!negative) literal('+');
    int hours = 0, minutes = 0, seconds = 0;
    if (!digits(hours) || hours > 167) return false;
    if (literal(':') && (!digits(minutes) || (literal(':') && !digits(seconds)))) return false;
    if (minutes > 59 || seconds > 59) return false;
    out = (hours * 60 + minutes) * 60 + seconds;
    if (negative) out = -out;
    return true;
  }

  bool switch_on(time_zone::yearly_switch& s) {  // ,Mm.w.d[/time]
    if (!literal(',') || !literal('M') || !digits(s.month) || !literal('.') || !digits(s.week) ||
        !literal('.') || !digits(s.weekday))
      return false;
    if (s.month < 1 || s.month > 12 || s.week < 1 || s.week > 5 || s.weekday > 6) return false;
    return !literal('/') || duration_of(s.time);
  }

  std::string_view bytes_, rest_;
  std::size_t at_ = 0;
};

std::optional<time_zone> time_zone::fixed(std::string_view name) {
  time_zone z;
  z.name_ = std::string{name};
  if (name == "UTC") return z;
  if (name.size() < 5 || (name[0] != '+' && name[0] != '-')) return {};
  std::string digits{name.substr(1)};
  if (digits.size() == 5 && digits[2] == ':') digits.erase(2, 1);
  if (digits.size() != 4 || !std::all_of(digits.begin(), digits.end(), is_digit)) return {};
  const int hours = std::stoi(digits.substr(0, 2)), minutes = std::stoi(digits.substr(2));
  if (hours > 14 || minutes > 59) return {};
  z.first_offset_ = (hours * 60 + minutes) * (name[0] == '-' ? -60 : 60);
  return z;
}

tl::expected<time_zone, std::string> time_zone::of_file(std::string name, std::string_view bytes) {
  time_zone z;
  z.name_ = std::move(name);
  if (!zone_file{bytes}.read(z)) return tl::unexpected(std::string{"is no zone file"});
  return z;
}

std::int64_t time_zone::moment(const yearly_switch& s, std::int64_t year) {
  using namespace std::chrono;
  const auto month = std::chrono::year{static_cast<int>(year)} / s.month;
  const weekday day{static_cast<unsigned>(s.weekday)};
  const sys_days date = s.week == 5 ? sys_days{month / day[last]}
                                    : sys_days{month / day[static_cast<unsigned>(s.week)]};
  return date.time_since_epoch().count() * day_seconds + s.time;
}

std::int32_t time_zone::offset_by_rule(std::int64_t unix_seconds) const {
  const auto& r = *rule_;
  if (!r.has_summer) return r.standard;
  const auto year = year_of(unix_seconds + r.standard);
  const auto summer = moment(r.to_summer, year) - r.standard;
  const auto winter = moment(r.to_standard, year) - r.summer;
  const bool in_summer = summer < winter ? unix_seconds >= summer && unix_seconds < winter
                                         : unix_seconds >= summer || unix_seconds < winter;
  return in_summer ? r.summer : r.standard;
}

std::int32_t time_zone::offset_at(std::int64_t unix_seconds) const {
  const auto after = std::upper_bound(transitions_.begin(), transitions_.end(), unix_seconds,
                                      [](std::int64_t t, const transition& x) { return t < x.at; });
  if (after == transitions_.end() && rule_) return offset_by_rule(unix_seconds);
  return after == transitions_.begin() ? first_offset_ : std::prev(after)->offset;
}

std::int64_t time_zone::to_unix(std::int64_t local) const {
  // Offsets a day before and after: where they differ, the clock was changed in between.
  const auto before = offset_at(local - offset_at(local) - day_seconds);
  const auto after = offset_at(local - offset_at(local) + day_seconds);
  const auto early = local - before;
  if (offset_at(early) == before) return early;
  const auto late = local - after;
  return offset_at(late) == after ? late : early;
}

}  // namespace troupe
