// See explanation.hpp.
#include "autoscaler/explanation.hpp"

#include <algorithm>
#include <cmath>

#include "autoscaler/sizing.hpp"
#include "autoscaler/words.hpp"
#include "libruntime/option_types.hpp"

namespace troupe::autoscaler {

namespace {

std::string number(double d) {
  const auto scale = std::abs(d) < 100 ? 1000.0 : 1.0;
  return option_scalar<double>::format(std::round(d * scale) / scale);
}

class writer {
 public:
  writer(const decision& d, const pool_decision& p, const pool_policy& policy, const settings& s)
      : d_(d), p_(p), policy_(policy), s_(s) {}

  explanation run() {
    answer();
    queue();
    for (const auto& x : d_.signals)
      if (std::find(x.pools.begin(), x.pools.end(), p_.pool) != x.pools.end()) signal(x);
    limits();
    troubles();
    growth();
    shrinkage();
    return std::move(out_);
  }

 private:
  void why(std::string line) { out_.why.push_back(std::move(line)); }
  void change(std::string line) { out_.changes.push_back(std::move(line)); }
  std::uint32_t current() const { return p_.registered + p_.launching; }
  const scaling_settings& scaling() const { return policy_.scaling; }

  void answer() {
    auto text = "Pool " + p_.pool + " has " + workers(p_.registered);
    if (p_.launching > 0) text += ", " + std::to_string(p_.launching) + " starting";
    if (p_.draining > 0) text += ", " + std::to_string(p_.draining) + " leaving";
    text += p_.target == current() ? ", and stays so: "
                                   : ", and should have " + std::to_string(p_.target) + ": ";
    why(text + p_.reason + ".");
  }

  void queue() {
    const auto waiting = d_.ready + d_.assigned;
    if (waiting + d_.running == 0) return why("No task waits or runs.");
    why(std::to_string(waiting) + (waiting == 1 ? " task waits" : " tasks wait") + " and " +
        std::to_string(d_.running) + (d_.running == 1 ? " runs" : " run") + ", about " +
        seconds(d_.work_seconds) + " of work in all pools. To be done with it in " +
        format_duration(scaling().target_duration) + ", this pool would use " + workers(p_.queue) +
        ".");
  }

  void signal(const signal_record& x) {
    auto text = "Signal " + x.name;
    if (x.value)
      text += (x.trouble == signal_trouble::none ? " is " : " was ") + number(*x.value) +
              " (target " + number(x.target) + ", read " + seconds(to_seconds(x.age)) + " ago)";
    else
      text += " has never been read";
    const auto asks = "asks for " + workers(x.wanted);
    switch (x.state) {
      case signal_state::good:
        text += " and " + asks;
        break;
      case signal_state::fading:
        text += " and, while what was held fades, " + asks;
        break;
      case signal_state::held:
      case signal_state::failed:
        text += "; it is unavailable (" + std::string{to_string(x.trouble)} +
                (x.detail.empty() ? "" : ": " + x.detail) + "), and meanwhile " + asks;
        if (x.kept > 0) text += "; no worker is stopped for want of it";
        break;
    }
    if (x.pools.size() > 1) text += ", of " + std::to_string(x.pools.size()) + " pools together";
    why(text + ".");
  }

  void limits() {
    auto text = "It may have " + std::to_string(p_.min) + " to " +
                (p_.max ? workers(*p_.max) : "any number of workers");
    if (p_.scheduled_min)
      text += "; the schedule's minimum is " + std::to_string(*p_.scheduled_min) + " now";
    if (s_.max_workers) text += "; all pools together " + std::to_string(*s_.max_workers);
    why(text + ".");
    if (!s_.budget.per_hour && !s_.budget.total) return;
    text = "All instances cost " + number(d_.cost_per_hour) + " an hour";
    if (s_.budget.per_hour) text += " of " + number(*s_.budget.per_hour);
    text += ", and have cost " + number(d_.cost);
    if (s_.budget.total) text += " of " + number(*s_.budget.total);
    why(text + ".");
  }

  void troubles() {
    if (p_.backoff)
      why("Starts fail (" + std::to_string(p_.backoff->failures) +
          " in a row): " + p_.backoff->reason + ". It is tried again " +
          (p_.backoff->until > d_.at ? "in " + seconds(to_seconds(p_.backoff->until - d_.at))
                                     : std::string{"now"}) +
          "; meanwhile other pools that can do the work get it.");
    else if (p_.probing)
      why("Starts have failed: one is tried at a time until one succeeds.");
    for (const auto& u : d_.unplaced)
      why(std::to_string(u.tasks) + " of " + u.function + " (" + u.resources +
          ") find no place: " + u.reason + ".");
  }

  void growth() {
    const auto& c = policy_.control;
    if (c.size) return change("Its size was set by hand; `troupe autoscaler resume` ends that.");
    if (!scaling().enabled)
      return change("Scaling is off for it (autoscaler.enabled); `troupe scale` changes its size.");
    if (c.pause_up)
      change("Growing is paused; `troupe autoscaler resume` ends that.");
    else if (scaling().scale_up.select == rate_selection::disabled)
      change("It never grows (scale_up.select: disabled).");
    else if (p_.max && current() + p_.draining >= *p_.max)
      change("It would grow only with a larger max, now " + std::to_string(*p_.max) + ".");
    else
      grows();
  }

  void grows() {
    switch (p_.cause) {
      case cause::rate_limited:
        return change("It grows as soon as the rate limits of scale_up allow it.");
      case cause::stabilizing:
        return change("It grows once the demand has lasted for " +
                      format_duration(std::max(scaling().scale_up.stabilization, small_shortage_lasts(scaling()))) +
                      ".");
      case cause::total:
        return change("It would grow with a larger max_workers, or when other pools shrink.");
      case cause::budget:
        return change("It would grow with a larger budget, or when other pools cost less.");
      default:
        break;
    }
    const auto n = std::max(p_.target, p_.wanted);
    change(
        "It grows when its work needs more than " + workers(n) +
        ": a task that fits no free slot, or "
        "more than about " +
        seconds(to_seconds(scaling().target_duration) * n * slots() * (1 + scaling().tolerance)) +
        " of short ones at once" + (d_.signals.empty() ? "." : ", or a signal asks for more."));
  }

  double slots() const {
    return std::max(1.0, static_cast<double>(policy_.worker.get("cpus")) / one_unit);
  }

  void shrinkage() {
    const auto& c = policy_.control;
    const auto least = std::max(p_.min, p_.scheduled_min.value_or(0));
    if (c.size || !scaling().enabled || current() == 0) return;
    if (c.pause_down) return change("Shrinking is paused; `troupe autoscaler resume` ends that.");
    if (current() <= least)
      return change("It does not shrink below its minimum, " + std::to_string(least) + ".");
    const auto timeout = scaling().scale_down.idle_timeout;
    if (p_.wanted >= current())
      return change("It shrinks when less is wanted than its " + workers(current()) + ".");
    if (p_.idle == 0 && p_.launching == 0)
      return change("It shrinks when a worker has been idle for " + format_duration(timeout) +
                    "; all are at work.");
    const auto left = to_seconds(timeout) - p_.idle_seconds;
    if (p_.cause == cause::cooldown)
      return change("The last worker goes " + format_duration(scaling().scale_down.zero_cooldown) +
                    " after the last work.");
    change(p_.idle > 0 && left > 0
               ? "Without new work it shrinks in " + seconds(left) +
                     ", when the first worker has been "
                     "idle for " +
                     format_duration(timeout) + "."
               : "Without new work it shrinks by workers that have been idle for " +
                     format_duration(timeout) + ".");
  }

  const decision& d_;
  const pool_decision& p_;
  const pool_policy& policy_;
  const settings& s_;
  explanation out_;
};

}  // namespace

explanation explain_pool(const decision& d, std::string_view pool, const settings& s) {
  const auto policy =
      std::find_if(s.pools.begin(), s.pools.end(), [&](const auto& p) { return p.name == pool; });
  return writer{d, *d.pool(pool), *policy, s}.run();
}

}  // namespace troupe::autoscaler
