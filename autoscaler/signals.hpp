// Signals: numbers from elsewhere that ask for workers, beside the queue. What was read comes in as
// data (actors/signal_reader.hpp reads it); signals that are computed from the snapshot need
// nobody.
//
// `value`: the pools' workers × value / target, of those that served when the value was read, so
// that one reading asks for the same number however often it is looked at, and workers that boot
// don't multiply it. `average_value`: value / target. At or below `activation`: none; above it: one
// at least.
//
// A reading that is missing, unusable or older than `freshness` is unavailable. Then what the
// signal asked for last still counts for `hold_for`, and after that:
//   hold      as before, for as long as it takes
//   at_least  that many workers
//   ignore    nothing is launched for it
// and in each case the pools keep what the signal asked for last of what they have: an outage stops
// nobody. Back again, what was held fades into what is read, over as long as the outage took and at
// most `hold_for`.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libruntime/settings.hpp"
#include "libruntime/snapshot.hpp"

namespace troupe::autoscaler {

// Why there is no number. Words of metrics and records: the list is short and closed.
enum class signal_trouble : std::uint8_t {
  none,
  unread,        // nobody has answered yet
  timeout,       // no answer within the deadline
  unreachable,   // no connection, or it broke off
  unauthorized,  // 401, 403, or the server's certificate is not trusted
  http_error,    // another status than 200
  bad_query,     // the server says that the query is wrong
  bad_answer,    // not what a Prometheus says
  empty,         // no series
  several,       // more than one
  nan,
  infinite,
  stale,
};

std::string_view to_string(signal_trouble t);  // "bad_query"

// What one look at a signal gave.
struct signal_reading {
  std::string name;
  time_point at{};              // to which moment it belongs
  std::optional<double> value;  // nothing: unavailable
  signal_trouble trouble = signal_trouble::none;
  std::string detail;  // of the trouble, for people
};

// What a decision needs of the world beyond the cluster.
struct surroundings {
  std::vector<signal_reading> readings;      // the latest of each signal
  std::optional<std::int64_t> unix_seconds;  // the wall clock; nothing: schedules don't apply
};

enum class signal_state : std::uint8_t {
  good,
  fading,  // good again after an outage: what was held counts for a while
  held,    // unavailable, within hold_for
  failed,  // … and beyond: on_failure applies
};
std::string_view to_string(signal_state s);

// A signal's part in one decision.
struct signal_record {
  std::string name;
  std::vector<std::string> pools;  // that it asks for
  signal_state state = signal_state::good;
  std::optional<double> value;  // the last good one
  duration age{};               // of it
  double target = 0;
  signal_trouble trouble = signal_trouble::none;
  std::string detail;
  std::uint32_t wanted = 0;  // workers, of all its pools together
  std::uint32_t kept = 0;    // not to be stopped for want of this signal
};

// Lowest and highest of the numbers of the last while. Amortised constant time and memory bounded
// by the changes inside the window, whatever the rate of calls.
class recommendation_window {
 public:
  void add(time_point now, std::uint32_t wanted, duration up_window, duration down_window);
  std::uint32_t lowest() const;   // over the up window; pre: something was added
  std::uint32_t highest() const;  // over the down window

 private:
  struct sample {
    time_point until{};  // the last moment at which it was recommended
    std::uint32_t wanted = 0;
  };
  std::deque<sample> falling_;  // a monotonic queue: the front is the highest
  std::deque<sample> rising_;   // the front is the lowest
};

// The waits of the last minute, from a count that only grows.
class wait_window {
 public:
  static constexpr duration length = std::chrono::minutes{1};

  void add(time_point now, const duration_histogram& since_start);
  // Waits that ended within the window, and those that go on: `waiting` tasks, each for at most so
  // long. Between a bucket's bounds waits are taken to be spread evenly. 0 where nothing waited.
  double p95_seconds(const std::vector<std::pair<std::uint64_t, duration>>& waiting) const;

 private:
  struct sample {
    time_point at{};
    duration_histogram waits;
  };
  std::deque<sample> samples_;  // the front is the last from before the window
};

// What is remembered of a signal from one decision to the next.
struct signal_memory {
  std::optional<time_point> read_at;  // of the last good reading
  double value = 0;
  std::uint32_t read = 0;                // workers that it asks for
  std::uint32_t exact = 0;               // … where the tolerance is left out
  std::optional<std::uint32_t> counted;  // … and that counted, in the last decision
  std::optional<time_point> lost_since;
  std::uint32_t fade_from = 0;
  time_point fade_began{};
  duration fade_length{};
  recommendation_window served;  // workers there were, for values over a window
};

}  // namespace troupe::autoscaler
