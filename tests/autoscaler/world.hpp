// Builders for the policy's inputs: a cluster written down in a few lines.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "autoscaler/policy.hpp"

namespace troupe::autoscaler::test {

using namespace std::chrono_literals;

struct world {
  time_point now{1000s};
  load_snapshot load;
  std::vector<pool_status> status;
  settings s;
  history past;
  surroundings around;
  std::uint32_t next_worker = 1;

  pool_policy& pool(const std::string& name, std::uint32_t min, std::optional<std::uint32_t> max,
                    resource_set worker = {{"cpus", 1}}) {
    pool_policy p;
    p.name = name;
    p.worker = std::move(worker);
    p.min = min;
    p.max = max;
    s.pools.push_back(p);
    pool_status st;
    st.name = name;
    status.push_back(st);
    return s.pools.back();
  }

  pool_status& of(const std::string& name) {
    return *std::find_if(status.begin(), status.end(), [&](auto& p) { return p.name == name; });
  }

  // A worker that has been idle for `idle`; `running` tasks make it busy.
  worker_load& worker(const std::string& pool, duration idle = 0s, std::uint32_t running = 0) {
    auto& policy =
        *std::find_if(s.pools.begin(), s.pools.end(), [&](auto& p) { return p.name == pool; });
    worker_load w;
    w.id = worker_id{next_worker++};
    w.pool = pool;
    w.resources = policy.worker;
    w.slots = static_cast<std::uint32_t>(policy.worker.get("cpus") / one_unit);
    w.running = w.window = running;
    w.idle_since = now - idle;
    w.registered_at = now - 1h;
    load.workers.push_back(w);
    ++of(pool).registered;
    return load.workers.back();
  }

  // Workers busy with one task each for every slot, `left` of it to go.
  void busy_workers(const std::string& pool, int n, duration left) {
    for (int i = 0; i < n; ++i) {
      auto& w = worker(pool);
      w.running = w.window = w.slots;
      w.remaining = left;
      run("f", w.slots, 0s, left);
    }
  }

  void run(const std::string& function, std::uint32_t count, duration elapsed, duration expected) {
    load.running.push_back({function, count, elapsed, expected});
  }

  demand_group& tasks(std::uint64_t n, duration each, resource_set need = {{"cpus", 1}},
                      const std::string& only_pool = {}) {
    load.shapes.push_back({need, only_pool});
    demand_group g;
    g.shape = load.shapes.size() - 1;
    g.function = "f";
    g.ready = n;
    g.expected = each;
    g.measured = true;
    g.oldest_ready = now;
    for (const auto& p : s.pools)
      if (p.worker.contains(need) && (only_pool.empty() || only_pool == p.name))
        g.pools.push_back(p.name);
    load.demand.push_back(g);
    return load.demand.back();
  }

  // A signal of a Prometheus; what it reads is said by read() and lose().
  signal_settings& signal(const std::string& name, double target,
                          std::vector<std::string> pools = {}) {
    signal_settings x;
    x.name = name;
    x.query = name;
    x.target = target;
    x.pools = std::move(pools);
    s.signals.push_back(x);
    return s.signals.back();
  }
  signal_settings& builtin(signal_source source, double target) {
    auto& x = signal("built-in", target);
    x.source = source;
    return x;
  }
  void read(const std::string& name, double value, duration age = 0s) {
    latest(name) = {name, now - age, value, signal_trouble::none, {}};
  }
  void lose(const std::string& name, signal_trouble why = signal_trouble::timeout) {
    latest(name) = {name, now, {}, why, "no answer"};
  }

  // What was decided, done at once: launched and taken-back workers serve, drained ones are gone.
  void carry_out(const pool_decision& d) {
    auto& status = of(d.pool);
    for (const auto id : d.drain) {
      std::erase_if(load.workers, [&](const auto& w) { return w.id == id; });
      --status.registered;
    }
    for (std::uint32_t i = 0; i < d.launch; ++i) worker(d.pool);
    status.target = d.target;
  }

  decision decide() {
    load.now = now;
    return autoscaler::decide(now, load, status, past, s, around);
  }
  pool_decision decide(const std::string& pool) { return *decide().pool(pool); }

 private:
  signal_reading& latest(const std::string& name) {
    for (auto& r : around.readings)
      if (r.name == name) return r;
    return around.readings.emplace_back();
  }
};

}  // namespace troupe::autoscaler::test
