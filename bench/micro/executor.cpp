// No-op calls through an executor alone, as a worker's actor drives it: batches in, batches out, a
// few batches ahead; by slots of their own, or on the thread that the owner lends. CPU time is of
// all threads.
#include "worker/executor.hpp"

#include <atomic>
#include <benchmark/benchmark.h>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <stdlib.h>

namespace troupe::worker {
namespace {

constexpr task_index batch_size = 512;
constexpr task_index batches_ahead = 8;

class folder {
 public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "troupe-micro-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      throw std::filesystem::filesystem_error{name,
                                              std::error_code{errno, std::generic_category()}};
    path_ = name;
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class driven_executor {
 public:
  driven_executor(std::uint32_t slots, bool lend)
      : executor_(settings(slots), functions(), callbacks(lend)) {
    task_spec spec;
    spec.function = "noop";
    executor_.define({template_id{1}, spec});
  }
  ~driven_executor() { executor_.stop(clock::now() + std::chrono::seconds{10}); }

  void run(task_index total) {
    task_index given = 0, done = 0;
    while (done < total) {
      while (given < total && given - done < batches_ahead * batch_size) give(given);
      if (lent_work()) executor_.run_short();
      for (const auto& b : executor_.take_output().finished) {
        done += static_cast<task_index>(b->items.size());
        executor_.acknowledge(b->number);
      }
    }
  }

 private:
  void give(task_index& next) {
    protocol::assign batch;
    batch.items.reserve(batch_size);
    for (task_index i = 0; i < batch_size; ++i)
      batch.items.push_back({task_id{job_id{1}, next++}, 1, template_id{1}, {}, {}, false});
    executor_.assign(std::move(batch));
  }
  // Waits for news; whether the thread is wanted.
  bool lent_work() {
    std::unique_lock lock{mutex_};
    news_.wait(lock, [this] { return output_ || wanted_; });
    output_ = false;
    return std::exchange(wanted_, false);
  }
  executor_settings settings(std::uint32_t slots) {
    executor_settings s;
    s.core.slots = slots;
    s.tasks.log_dir = s.tasks.scratch = folder_.path();
    return s;
  }
  static std::shared_ptr<const function_registry> functions() {
    auto out = std::make_shared<function_registry>();
    out->add("noop", [] {});
    return out;
  }
  executor_callbacks callbacks(bool lend) {
    executor_callbacks c;
    c.wake = [this] { tell(output_); };
    if (!lend) return c;
    c.run_short = [this](executor&) { tell(wanted_); };
    c.hand_over = [] {};  // a no-op that takes 20 ms was interrupted: it comes back
    return c;
  }
  void tell(bool& what) {
    std::lock_guard lock{mutex_};
    what = true;
    news_.notify_one();
  }

  folder folder_;
  std::mutex mutex_;
  std::condition_variable news_;
  bool output_ = false, wanted_ = false;
  executor executor_;
};

void calls(benchmark::State& state) {
  constexpr task_index total = 200 * batch_size;
  driven_executor e{static_cast<std::uint32_t>(state.range(0)), state.range(1) != 0};
  for (auto _ : state) e.run(total);
  state.SetItemsProcessed(state.iterations() * total);
}
BENCHMARK(calls)
    ->ArgNames({"slots", "lent"})
    ->Args({1, 0})
    ->Args({1, 1})
    ->Args({2, 0})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace troupe::worker
