// An executor with folders of its own, and the words tests need to give it work and hear of it.
#pragma once

#include <stdlib.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "libruntime/arguments.hpp"
#include "tests/support/catch.hpp"
#include "tests/worker/test_functions.hpp"
#include "worker/executor.hpp"

namespace troupe::worker {

// Removed with everything in it at the end.
struct temporary_folder {
  std::filesystem::path path;
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "troupe-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

inline bool eventually(auto condition, duration patience = std::chrono::seconds{20}) {
  auto deadline = clock::now() + patience;
  while (!condition()) {
    if (clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

class executor_world {
 public:
  explicit executor_world(std::uint32_t slots = 2,
                          const std::function<void(executor_settings&)>& adjust = {},
                          std::function<void(executor&)> run_short = {},
                          std::function<void()> hand_over = {})
      : executor_(settings(slots, adjust), test_functions(),
                  {[this] { wake(); }, std::move(run_short), std::move(hand_over)}) {}
  ~executor_world() { CHECK(executor_.stop(clock::now() + std::chrono::seconds{20})); }

  executor& exec() { return executor_; }
  const std::filesystem::path& folder() const { return folder_.path; }

  static protocol::attempt_reference ref(task_index index, attempt_number attempt = 1) {
    return {task_id{job_id{7}, index}, attempt};
  }

  // Gives it a task and returns its index.
  task_index call(std::string function, value arguments = {}, task_options options = {}) {
    task_spec s;
    s.function = std::move(function);
    s.options = std::move(options);
    return give(std::move(s), std::move(arguments));
  }
  task_index command(exec_spec command, task_options options = {}, value arguments = {}) {
    task_spec s;
    s.kind = task_kind::exec;
    s.command = std::move(command);
    s.options = std::move(options);
    return give(std::move(s), std::move(arguments));
  }
  task_index shell(std::string script, task_options options = {}) {
    return command({{"/bin/sh", "-c", std::move(script)}, {}, {}, {}}, std::move(options));
  }
  task_index give(task_spec s, value arguments, std::vector<value> inputs = {}) {
    auto index = next_++;
    executor_.define({template_id{index + 1}, std::move(s)});
    executor_.assign({{{task_id{job_id{7}, index}, 1, template_id{index + 1},
                        std::move(arguments), std::move(inputs), false}}});
    return index;
  }
  // Waits for the task's end.
  protocol::finished_task outcome(task_index index, duration patience = std::chrono::seconds{60}) {
    auto deadline = clock::now() + patience;
    std::unique_lock lock{mutex_};
    for (;;) {
      collect();
      if (auto i = finished_.find(index); i != finished_.end()) return i->second;
      if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) {
        collect();
        REQUIRE(finished_.count(index) == 1);
      }
    }
  }
  bool finished(task_index index) {
    std::lock_guard lock{mutex_};
    collect();
    return finished_.count(index) > 0;
  }
  bool has_started(task_index index) {
    std::lock_guard lock{mutex_};
    collect();
    return started_.count(index) > 0;
  }
  bool is_stuck(task_index index) {
    std::lock_guard lock{mutex_};
    collect();
    return stuck_.count(index) > 0;
  }
  std::size_t finished_count() {
    std::lock_guard lock{mutex_};
    collect();
    return finished_.size();
  }

 private:
  executor_settings settings(std::uint32_t slots,
                             const std::function<void(executor_settings&)>& adjust) {
    executor_settings s;
    s.core.slots = slots;
    s.tasks.log_dir = folder_.path / "logs";
    s.tasks.scratch = folder_.path / "scratch";
    s.tasks.address = "127.0.0.1:7400";
    s.core.cancel_grace = std::chrono::milliseconds{200};
    if (adjust) adjust(s);
    return s;
  }
  void wake() {
    std::lock_guard lock{mutex_};
    changed_.notify_all();
  }
  // Locks the executor while holding ours; it never calls wake() with its own held.
  void collect() {
    auto out = executor_.take_output();
    for (const auto& batch : out.finished) {
      for (const auto& item : batch->items) finished_[item.task.index] = item;
      executor_.acknowledge(batch->number);
    }
    for (const auto& s : out.started) started_[s.task.index] = s.attempt;
    for (const auto& s : out.stuck) stuck_[s.task.index] = s.attempt;
  }

  temporary_folder folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<task_index, protocol::finished_task> finished_;
  std::map<task_index, attempt_number> started_, stuck_;
  task_index next_ = 0;
  executor executor_;
};

}  // namespace troupe::worker
