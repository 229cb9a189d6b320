#include "worker/task_runner.hpp"

#include <system_error>

#include "worker/command.hpp"

namespace troupe::worker {

void task_runner::prepare() const {
  std::error_code ignored;  // the first task that needs one says what is wrong
  std::filesystem::create_directories(settings_.log_dir, ignored);
  std::filesystem::create_directories(settings_.scratch, ignored);
}

result<value> task_runner::run(start_order& order, const stop_control& stop, progress_sink& sink) {
  try {
    if (order.spec->kind == task_kind::exec)
      return run_command(order, stop, settings_, environment_);
    return run_call(order, stop, sink);
  } catch (const std::exception& e) {  // not the function's: invoke() catches those
    return fail(errc::internal, std::string{"the worker could not run the task: "} + e.what());
  }
}

result<value> task_runner::run_call(start_order& order, const stop_control& stop,
                                    progress_sink& sink) {
  if (!order.inputs.empty()) {
    auto spliced = splice_inputs(order.arguments, order.inputs);
    if (!spliced) return spliced;
    order.arguments = std::move(*spliced);
    order.inputs.clear();
  }
  if (order.spec->options.isolated == isolation::process)
    return isolated_.run(order, order.arguments, stop, sink);
  call_services services{order, settings_, sink};
  task_context context{order.task, order.attempt, stop, services, *order.resources};
  return function_registry::invoke(order.spec->function, order.function, context, order.arguments);
}

}  // namespace troupe::worker
