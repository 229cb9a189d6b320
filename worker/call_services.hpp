// What a function can ask for through its context while it runs in a slot's thread. One attempt; lives
// on the slot's stack; the scratch folder goes with it.
#pragma once

#include "libruntime/task_context.hpp"
#include "libruntime/worker/worker_core.hpp"
#include "worker/logs.hpp"
#include "worker/task_settings.hpp"

namespace troupe::worker {

// Where a function's word on its progress goes.
class progress_sink {
 public:
  virtual ~progress_sink() = default;
  virtual void progress(double fraction, std::string_view text) = 0;
};

// SCRATCH/JOB.INDEX.ATTEMPT, made when first asked for.
std::filesystem::path scratch_folder(const std::filesystem::path& scratch, task_id task,
                                     attempt_number attempt);
void remove_folder(const std::filesystem::path& folder);  // whatever is in it; as far as possible

class call_services final : public task_services {
 public:
  call_services(const start_order& order, const task_settings& settings, progress_sink& sink)
      : order_(order), settings_(settings), sink_(sink),
        log_(settings.log_dir, order.task, order.attempt) {}
  ~call_services() override {
    if (scratch_made_) remove_folder(scratch_folder(settings_.scratch, order_.task, order_.attempt));
  }

  void log(log_level level, std::string_view text) override { log_.write(level, text); }
  void progress(double fraction, std::string_view text) override { sink_.progress(fraction, text); }
  std::filesystem::path scratch() override {
    auto path = scratch_folder(settings_.scratch, order_.task, order_.attempt);
    std::filesystem::create_directories(path);
    scratch_made_ = true;
    return path;
  }

 private:
  const start_order& order_;
  const task_settings& settings_;
  progress_sink& sink_;
  call_log log_;
  std::atomic<bool> scratch_made_{false};
};

}  // namespace troupe::worker
