// `troupe bench`: scenarios that measure this build on this machine, each beside its own reference in
// the same run. Head, worker and client are processes of their own, over loopback with TLS on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/report.hpp"

namespace troupe::bench {

struct options {
  std::vector<std::string> scenarios;  // empty: all
  unsigned rounds = 3;
  double scale = 1;  // of the number of tasks: 0.01 for a quick look
  // Of noop, roundtrip, submit, graph and exec; 0: what the scenario has.
  std::uint32_t workers = 0, slots = 0;
  std::vector<std::string> graphs;  // by name; empty: all
  bool commands = false;            // tasks of graphs are commands, not calls
  // Called before each step, with what is measured now.
  std::function<void(const std::string&)> progress = [](const std::string&) {};

  template <class F>
  void each_round(const std::string& what, F f) const {
    for (unsigned i = 1; i <= rounds; ++i) {
      progress(what + ", round " + std::to_string(i));
      f();
    }
  }
  std::uint32_t scaled(std::uint32_t n) const {
    auto m = static_cast<std::uint32_t>(n * scale);
    return m < 1 ? 1 : m;
  }
};

struct scenario {
  const char* name;
  const char* what;  // for --help
};
inline constexpr scenario scenarios[] = {
    {"noop", "1,000,000 calls that do nothing, by map"},
    {"roundtrip", "one call at a time, submit to result"},
    {"submit", "calls submitted one by one, pipelined"},
    {"graph", "the task graphs of a published comparison"},
    {"flat", "no-ops: few and many, in one job and in many, on 32 workers"},
    {"busy", "questions, cancelling and overtaking during 1,000,000 no-ops"},
    {"settle", "the head's memory after ten jobs of 1,000,000 no-ops"},
    {"exec", "/bin/true as tasks"},
    {"scale", "a burst on a cluster without workers"},
    {"idle", "a head that has nothing to do"},
    {"core", "the scheduler core alone, with simulated workers"},
    {"memory", "10,000,000 queued tasks in the core"},
};

// Throws std::runtime_error or troupe::error where something can't be measured at all.
report run(const options& o);

// ---- one each, by its name

void noop(const options& o, report& r);
void roundtrip(const options& o, report& r);
void submit(const options& o, report& r);
void graph(const options& o, report& r);
void flat(const options& o, report& r);
void busy(const options& o, report& r);
void settle(const options& o, report& r);
void exec(const options& o, report& r);
void scale(const options& o, report& r);
void idle(const options& o, report& r);
void core(const options& o, report& r);
void memory(const options& o, report& r);

}  // namespace troupe::bench
