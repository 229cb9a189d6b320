// The core alone at its intended size. Prints what a task costs; sizes follow the build type, since
// a sanitized debug build would take minutes.
#include <cstdio>
#include <cstdlib>

#include "bench/simulated_cluster.hpp"
#include "tests/support/catch.hpp"

namespace troupe::scheduler::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t usual_tasks = 100'000;  // ten times slower
#else
constexpr std::uint64_t usual_tasks = 1'000'000;
#endif

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("1,000 workers and many tasks: crashes lose nothing, every task is heard of once") {
  auto seeds = from_environment("TROUPE_SEEDS", 3);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    bench::simulation_settings s;
    s.tasks = static_cast<std::uint32_t>(from_environment("TROUPE_TASKS", usual_tasks));
    s.crash_every = 2'000;
    s.check_every = 50'000;
    s.seed = seed;
    auto r = bench::simulated_cluster{s}.run();
    std::printf("seed %llu: %llu tasks on %u workers, %llu crashes: %.0f ns a task, "
                "%llu checks of the invariants\n",
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(r.finished),
                s.workers, static_cast<unsigned long long>(r.crashes), r.ns_per_task(s.tasks),
                static_cast<unsigned long long>(r.checks));
    CHECK(r.finished == s.tasks);
    CHECK(r.failed == 0);
    CHECK(r.results == s.tasks);
    CHECK(r.run_twice == 0);
    CHECK(r.crashes > 0);
  }
}

}  // namespace troupe::scheduler::testing
