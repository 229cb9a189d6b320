// Measured on demand: test_worker "[.benchmark]", in a release build.
#include <cstdio>
#include <ctime>

#include "tests/worker/executor_world.hpp"

using namespace troupe;
using namespace troupe::worker;

namespace {

constexpr task_index batch_size = 512;

struct call_rate {
  double per_second;
  double cpu_ns;  // a call, of all threads: tells more on a busy machine
};

// No-op calls through an executor alone, as an actor would drive it: batches in, batches out, a few
// batches ahead.
call_rate measure_calls(std::uint32_t slots, task_index total) {
  temporary_folder folder;
  executor_settings s;
  s.core.slots = slots;
  s.tasks.log_dir = folder.path;
  s.tasks.scratch = folder.path;
  std::mutex mutex;
  std::condition_variable woken;
  bool ready = false;
  executor e{s, test_functions(), {[&] {
               std::lock_guard lock{mutex};
               ready = true;
               woken.notify_one();
             }}};
  task_spec spec;
  spec.function = "noop";
  e.define({template_id{1}, spec});
  auto begin = clock::now();
  auto cpu_begin = std::clock();
  task_index given = 0, done = 0;
  while (done < total) {
    while (given < total && given - done < 8 * batch_size) {
      protocol::assign batch;
      batch.items.reserve(batch_size);
      for (task_index i = 0; i < batch_size; ++i)
        batch.items.push_back({task_id{job_id{1}, given++}, 1, template_id{1}, {}, {}, false});
      e.assign(std::move(batch));
    }
    {
      std::unique_lock lock{mutex};
      woken.wait(lock, [&] { return ready; });
      ready = false;
    }
    for (const auto& b : e.take_output().finished) {
      done += static_cast<task_index>(b->items.size());
      e.acknowledge(b->number);
    }
  }
  auto cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
  return {total / to_seconds(clock::now() - begin), cpu / total * 1e9};
}

// Commands run by both, as many at once: what this executor reaches of xargs' rate.
double commands_per_second(int count) {
  executor_world w{2};
  auto begin = clock::now();
  std::vector<task_index> tasks;
  for (int i = 0; i < count; ++i) tasks.push_back(w.command({{"/bin/true"}, {}, {}, {}}));
  for (auto t : tasks) REQUIRE(w.outcome(t).outcome == protocol::outcome::succeeded);
  return count / to_seconds(clock::now() - begin);
}
double xargs_per_second(int count) {
  auto begin = clock::now();
  auto command = "seq " + std::to_string(count) + " | xargs -P2 -n1 /bin/true";
  REQUIRE(std::system(command.c_str()) == 0);
  return count / to_seconds(clock::now() - begin);
}

}  // namespace

TEST_CASE("benchmark: no-op calls through the executor alone", "[.benchmark]") {
  for (std::uint32_t slots : {1u, 2u})
    for (int i = 0; i < 3; ++i) {
      auto rate = measure_calls(slots, 3'000'000);
      std::printf("%u slot(s): %.2f M calls/s, %.0f ns of CPU a call\n", slots,
                  rate.per_second / 1e6, rate.cpu_ns);
    }
}

TEST_CASE("benchmark: commands against xargs", "[.benchmark]") {
  for (int i = 0; i < 3; ++i) {
    auto ours = commands_per_second(3000), theirs = xargs_per_second(3000);
    std::printf("/bin/true: %.0f/s, xargs -P2 -n1: %.0f/s, ratio %.2f\n", ours, theirs,
                ours / theirs);
  }
}
