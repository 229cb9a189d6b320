// What a function may know and say about the task it runs for: its first parameter, if it wants one.
// Made by the worker for one attempt and valid until the function returns. Its members may be called
// from any thread that the function starts and joins.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libruntime/ids.hpp"
#include "libruntime/log_level.hpp"
#include "libruntime/resources.hpp"

namespace troupe {

// Why a running call is asked to end.
enum class stop_reason : std::uint8_t {
  none,
  cancelled,  // somebody asked for it
  timed_out,  // its own time limit
  draining,   // its worker must go and cannot wait any longer
};
std::string_view to_string(stop_reason r);  // "timed_out"

// The worker's end of a task's stop token. The first request counts; later ones change nothing.
// Shared between the slot that runs the function and whoever stops it.
class stop_control {
 public:
  // Whether this was the first request.
  bool request(stop_reason why) {
    auto none = stop_reason::none;
    if (!reason_.compare_exchange_strong(none, why)) return false;
    source_.request_stop();  // after the reason, so that callbacks on the token can read it
    return true;
  }
  stop_reason reason() const { return reason_.load(); }
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::atomic<stop_reason> reason_{stop_reason::none};
};

// Thrown by check_cancelled; a function that lets it through ends as cancelled or timed out, not as
// failed.
class cancelled_error : public std::exception {
 public:
  explicit cancelled_error(stop_reason why) : why_(why) {}
  stop_reason reason() const noexcept { return why_; }
  const char* what() const noexcept override;

 private:
  stop_reason why_;
};

// What the worker does for its tasks. Called from the threads of the function.
class task_services {
 public:
  virtual ~task_services() = default;
  virtual void log(log_level level, std::string_view text) = 0;
  virtual void progress(double fraction, std::string_view text) = 0;
  // The attempt's own folder, made at the first call and removed after the attempt. Throws
  // std::filesystem::filesystem_error if it can't be made.
  virtual std::filesystem::path scratch() = 0;
};

// What the attempt holds while it runs.
struct assigned_resources {
  resource_set amounts;  // "cpus" among them
  // Which ones, of resources that are told apart, such as GPU: {0, 3}.
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> indexes;
};

class task_context {
 public:
  // All three outlive the context.
  task_context(task_id task, attempt_number attempt, const stop_control& stop,
               task_services& services, const assigned_resources& resources)
      : task_(task), attempt_(attempt), stop_(stop), services_(services), resources_(resources) {}
  task_context(const task_context&) = delete;
  task_context& operator=(const task_context&) = delete;

  task_id task() const { return task_; }
  attempt_number attempt() const { return attempt_; }  // 1 for the first execution

  // Stopping is cooperative: a long function polls one of these, or hangs a std::stop_callback on
  // the token. One that ignores it past the worker's `cancel_grace` has the worker restarted.
  std::stop_token stop_token() const { return stop_.token(); }
  bool stop_requested() const { return stop_.reason() != troupe::stop_reason::none; }
  troupe::stop_reason stop_reason() const { return stop_.reason(); }
  // Throws cancelled_error once a stop is requested.
  void check_cancelled() const {
    if (auto why = stop_.reason(); why != troupe::stop_reason::none) throw cancelled_error{why};
  }

  // A line in the task's log.
  void log(log_level level, std::string_view text) { services_.log(level, text); }
  // How far it is, from 0 to 1 (what lies outside is moved to the nearer end), and a word on it.
  void progress(double fraction, std::string_view text = {});
  std::filesystem::path scratch() { return services_.scratch(); }

  const resource_set& resources() const { return resources_.amounts; }
  // Empty if the resource isn't one whose units are told apart, or none was asked for.
  const std::vector<std::uint32_t>& indexes(std::string_view resource) const;

 private:
  task_id task_;
  attempt_number attempt_;
  const stop_control& stop_;
  task_services& services_;
  const assigned_resources& resources_;
};

}  // namespace troupe
