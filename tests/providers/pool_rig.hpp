// One pool core with a fake provider on one virtual clock: performs the core's actions as the
// cluster manager would, registers workers that boot, and checks invariants after every event.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "providers/fake/fake_provider.hpp"
#include "providers/pool_core.hpp"

namespace troupe::providers::test {

using namespace std::chrono_literals;

struct pool_rig {
  explicit pool_rig(pool_core_settings s = {}, fake_settings f = {},
                    std::vector<request_id> open_launches = {})
      : settings(with_names(std::move(s))),
        fake(std::move(f), time_point{1h}),
        core(settings, counting_random(settings.seed), open_launches),
        ledger(open_launches.begin(), open_launches.end()) {
    fake.on_end([this](const instance_end& e) { send(event::instance_ended{e}); });
    fake.on_boot([this](const launch_item& item, const instance& i) { boot(item, i); });
  }
  pool_rig(const pool_rig&) = delete;

  static pool_core_settings with_names(pool_core_settings s) {
    s.pool = "here";
    s.cluster = "fake";
    if (!s.epoch) s.epoch = epoch_id{7};
    return s;
  }
  static random_source counting_random(std::uint64_t seed) {
    return [n = seed](std::span<std::byte> out) mutable {
      for (auto& b : out) b = static_cast<std::byte>(++n * 167);
    };
  }

  time_point now() const { return fake.now(); }

  void send(const pool_event& e) {
    inbox.push_back(e);
    if (inbox.size() > 1) return;  // the outer call goes on with it
    while (!inbox.empty()) {
      pool_actions out;
      core.handle(inbox.front(), now(), out);
      core.check_invariants();
      for (auto& a : out) std::visit([&](auto& x) { perform(x); }, a);
      inbox.erase(inbox.begin());
      check_cap();
    }
  }

  void target(std::uint32_t n, std::vector<worker_id> drain = {},
              std::vector<worker_id> take_back = {}) {
    send(event::set_target{n, max, ceiling, std::move(drain), std::move(take_back)});
  }
  void start() { send(event::tick{}); }

  // Everything that is due within that time, in order.
  void run(duration d) {
    const auto end = now() + d;
    while (now() < end) {
      auto next = std::min(end, wake.value_or(end));
      if (auto f = fake.next_event()) next = std::min(next, *f);
      next = std::max(next, now());
      fake.advance(next);
      if (wake && *wake <= now()) {
        wake.reset();
        send(event::tick{});
      }
    }
  }

  autoscaler::pool_status status() const { return core.status(); }
  std::uint32_t registered() const { return core.status().registered; }
  std::vector<worker_id> workers() const {
    std::vector<worker_id> ids;
    for (const auto& v : core.launches())
      if (v.phase == launch_phase::registered) ids.push_back(v.worker);
    return ids;
  }
  instance_id instance_of(worker_id w) const {
    for (const auto& v : core.launches())
      if (v.worker == w) return v.instance;
    return {};
  }

  // ---- the actions ----
  void perform(act::record_launches& a) { ledger.insert(a.requests.begin(), a.requests.end()); }
  void perform(act::record_ends& a) {
    for (const auto& r : a.requests) ledger.erase(r);
  }
  void perform(act::launch& a) {
    std::vector<request_id> requests;
    for (const auto& i : a.items) {
      if (!ledger.count(i.request)) throw std::logic_error(i.request + " is not in the ledger");
      requests.push_back(i.request);
    }
    launch_times.push_back(now());
    fake.launch({"fake", "here", a.items, {}, {}}, now() + settings.call_deadline,
                [this, requests](answer<launched> r) {
                  send(event::launch_answered{requests, std::move(r)});
                });
  }
  void perform(act::list&) {
    fake.list(now() + settings.call_deadline,
              [this, asked = now()](answer<std::vector<instance>> r) {
                send(event::listed{asked, std::move(r)});
              });
  }
  void perform(act::terminate& a) {
    for (const auto& id : a.instances) terminated.insert(id);
    fake.terminate(a.instances, now() + settings.call_deadline,
                   [this, ids = a.instances](answer<done> r) {
                     send(event::terminate_answered{ids, std::move(r)});
                   });
  }
  void perform(act::drain_worker& a) {
    if (a.on)
      draining.insert(a.worker);
    else
      draining.erase(a.worker);
  }
  void perform(act::stop_worker& a) {
    stopped.push_back(a.worker);
    if (auto at = booted.find(a.worker); at != booted.end()) fake.stops_itself(at->second);
  }
  void perform(act::worker_over& a) { over.push_back(a); }
  void perform(act::report& a) { reports.push_back(a.text); }
  void perform(act::wake_at& a) { wake = a.when; }
  void perform(act::all_gone&) { all_gone = true; }

  void boot(const launch_item& item, const instance& i) {
    if (!workers_register) return;
    auto r = core.redeem_token(item.token, now());
    if (!r) {
      ++refused_tokens;
      return;
    }
    if (*r != i.request) throw std::logic_error("the token is for another launch");
    booted[worker_id{next_worker}] = i.id;
    send(event::worker_registered{*r, worker_id{next_worker++}});
  }

  void check_cap() const {
    if (!max || !cap_holds) return;
    const auto s = core.status();
    if (s.launching() + s.registered + s.draining > *max)
      throw std::logic_error("above the maximum by the core's own count");
    if (fake.wanted() > *max) throw std::logic_error("above the maximum at the provider");
  }

  bool reported(const std::string& text) const {
    return std::any_of(reports.begin(), reports.end(),
                       [&](const auto& r) { return r.find(text) != std::string::npos; });
  }

  pool_core_settings settings;
  fake_provider fake;
  pool_core core;
  std::set<request_id> ledger;
  std::optional<std::uint32_t> max, ceiling;
  std::vector<pool_event> inbox;
  std::optional<time_point> wake;
  std::set<worker_id> draining;
  std::map<worker_id, instance_id> booted;
  std::set<instance_id> terminated;
  std::vector<worker_id> stopped;
  std::vector<act::worker_over> over;
  std::vector<std::string> reports;
  std::vector<time_point> launch_times;
  std::uint32_t next_worker = 1;
  std::uint32_t refused_tokens = 0;
  bool workers_register = true;
  bool all_gone = false;
  bool cap_holds = true;
};

}  // namespace troupe::providers::test
