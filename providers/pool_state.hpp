// The insides of the pool core: its state and the handlers of its events. Internal.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "providers/launch_backoff.hpp"
#include "providers/launch_tokens.hpp"
#include "providers/pool_core.hpp"
#include "providers/pool_slots.hpp"

namespace troupe::providers {

struct pool_core::state {
  state(pool_core_settings s, random_source random, std::vector<request_id> open);

  void handle(const event::set_target& e);
  void handle(const event::drain_requested& e);
  void handle(const event::launch_answered& e);
  void handle(const event::listed& e);
  void handle(const event::terminate_answered& e);
  void handle(const event::instance_ended& e);
  void handle(const event::worker_registered& e);
  void handle(const event::worker_lost& e);
  void handle(const event::drain_complete& e);
  void handle(const event::shut_down& e);
  void handle(const event::settings_changed& e);
  void handle(const event::tick& e);

  void bound_settings();

  // ---- what happens to one launch ----
  void launch_succeeded(slot& s, const instance& i);
  void launch_refused(slot& s, const provider_failure& why);
  // It never registered and never will.
  void start_failed(slot& s, const provider_failure& why);
  void terminate(slot& s, std::string note, bool deliberate);
  void begin_drain(slot& s, std::string note, bool takeable);
  // Confirmed: nothing of it exists.
  void gone(slot& s, const std::string& reason);
  void deadline_passed(slot& s);

  // ---- what a list says ----
  void seen(const instance& i, time_point asked_at);
  void found_unknown(const instance& i, time_point asked_at);
  void not_seen(slot& s, time_point asked_at);
  void first_list_done();

  // ---- towards the target ----
  void reconcile();
  void call_off(std::uint32_t surplus);
  void revive(std::uint32_t& missing);
  void launch(std::uint32_t n);
  std::uint32_t launchable() const;
  void ask_for_list();
  // Batches what the handlers have gathered into actions.
  void flush();
  void flush_terminates();

  std::uint32_t pending() const;  // launched, not registered
  std::uint32_t live() const;     // … and registered
  std::uint32_t capped() const;   // what `max` bounds
  bool in_doubt() const;          // a list would settle something
  void report(act::report::level level, std::string text);
  void note_stale() { ++counters.stale; }

  pool_core_settings settings;
  launch_tokens tokens;
  launch_backoff backoff;
  pool_slots slots;
  pool_counters counters;

  std::uint32_t target = 0;
  std::optional<std::uint32_t> max, ceiling;
  bool stopping = false;
  bool told_all_gone = false;

  std::set<request_id> open_before;  // in the ledger of earlier epochs, not yet accounted for
  bool listed_once = false;
  bool list_open = false;
  time_point list_until{};  // when we stop waiting for the answer
  time_point next_list{};
  std::map<request_id, time_point> ended_at;  // lately, so that an older list revives nothing
  std::optional<time_point> last_wake;

  // Of the event at hand.
  time_point now{};
  pool_actions* out = nullptr;
  std::vector<instance_id> to_terminate;
  std::vector<request_id> ended;
};

}  // namespace troupe::providers
