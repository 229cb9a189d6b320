// A worker core and the few words that tests need to talk to it. Checks the invariants after every
// step.
#pragma once

#include <string>
#include <vector>

#include "libruntime/worker/worker_core.hpp"
#include "tests/support/catch.hpp"

namespace troupe::worker {

struct core_world {
  worker_core core;
  time_point now{std::chrono::seconds{100}};

  // Template 1 is a call without options.
  explicit core_world(core_settings s = {}) : core(std::move(s)) { define(1, {}); }

  static protocol::attempt_reference ref(task_index index, attempt_number attempt = 1) {
    return {task_id{job_id{1}, index}, attempt};
  }
  void define(std::uint32_t id, task_options options) {
    task_spec spec;
    spec.function = "f";
    spec.options = std::move(options);
    core.define({template_id{id}, spec});
  }
  void assign(task_index index, std::uint32_t spec = 1, attempt_number attempt = 1,
              bool exclusive = false) {
    core.assign({{{task_id{job_id{1}, index}, attempt, template_id{spec}, {}, {}, exclusive}}});
    core.check_invariants();
  }
  std::optional<start_order> start() {
    auto out = core.next(now);
    core.check_invariants();
    return out;
  }
  // The index of the task that starts; -1: none may.
  int start_index(ticket* t = nullptr) {
    auto order = start();
    if (order && t) *t = order->ticket;
    return order ? static_cast<int>(order->task.index) : -1;
  }
  void succeed(ticket t) {
    core.finish(t, value::of(1), now);
    core.check_invariants();
  }
  void fail_with(ticket t, failure f) {
    core.finish(t, tl::unexpected{std::move(f)}, now);
    core.check_invariants();
  }
  protocol::recalled recall(std::vector<protocol::attempt_reference> items) {
    auto out = core.recall({std::move(items)});
    core.check_invariants();
    return out;
  }
  std::vector<stop_order> cancel(std::vector<protocol::attempt_reference> items) {
    auto out = core.cancel({std::move(items), "asked by a test"}, now);
    core.check_invariants();
    return out;
  }
  // All reports not taken before.
  std::vector<protocol::finished_task> reports() {
    std::vector<protocol::finished_task> out;
    for (const auto& batch : core.take_finished())
      out.insert(out.end(), batch->items.begin(), batch->items.end());
    core.check_invariants();
    return out;
  }
};

}  // namespace troupe::worker
