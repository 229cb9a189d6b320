#include "actors/thread_worker.hpp"

#include <future>

#include "actors/errors.hpp"
#include "actors/worker.hpp"
#include "actors/worker_setup.hpp"

namespace troupe::actors {
namespace {

constexpr auto join_timeout = std::chrono::seconds{10};

class thread_worker final : public providers::thread_worker {
 public:
  thread_worker(worker_actor actor, std::shared_ptr<std::promise<void>> ended)
      : actor_(std::move(actor)), ended_(ended->get_future()) {}
  ~thread_worker() override {
    stop();
    ended_.wait();
  }
  void stop() override { caf::anon_send(actor_, end_worker{"stopped"}); }

 private:
  worker_actor actor_;
  std::future<void> ended_;
};

providers::answer<std::unique_ptr<providers::thread_worker>> start(
    const thread_worker_context& c, const providers::thread_worker_request& request,
    std::function<void(std::string)> ended) {
  auto functions = std::make_shared<function_registry>();
  if (c.functions) *functions = *c.functions;
  auto handle = std::make_shared<worker_actor>();
  auto settings = executor_settings_of(c.options);
  auto executor = std::make_shared<worker::executor>(
      settings, functions,
      worker::executor_callbacks{[handle] { caf::anon_send(*handle, output_ready{}); }});
  auto over = std::make_shared<std::promise<void>>();
  worker_actor_options w;
  w.executor = executor;
  w.heartbeat_interval = c.options.settings.heartbeat_interval;
  w.measure = [scratch = c.options.scratch](protocol::heartbeat& h) { measure(scratch, h); };
  w.on_ended = [over, ended](const std::string&) {
    ended({});
    over->set_value();
  };
  *handle = c.system->spawn(worker_behavior, std::move(w));

  join_worker join{party_actor{*handle}, registration_of(c.options, settings, *functions),
                   request.item.token};
  caf::scoped_actor self{*c.system};
  std::optional<failure> trouble;
  self->request(c.scheduler, join_timeout, std::move(join))
      .receive(
          [&](protocol::worker_registered& r) {
            upstream send = [scheduler = c.scheduler, id = r.worker](
                                std::vector<protocol::message> messages) {
              caf::anon_send(scheduler, worker_batch{id, std::move(messages)});
            };
            caf::anon_send(*handle, set_upstream{std::move(send)});
          },
          [&](caf::error& e) { trouble = to_failure(e); });
  auto worker = std::make_unique<thread_worker>(*handle, over);
  // Whoever refused it is heard first; the worker ends with its handle.
  if (trouble)
    return providers::refuse(providers::failure_class::transient, to_string(*trouble));
  return worker;
}

}  // namespace

providers::thread_worker_factory thread_worker_factory(thread_worker_context context) {
  return [c = std::move(context)](const providers::thread_worker_request& request,
                                  std::function<void(std::string)> ended) {
    return start(c, request, std::move(ended));
  };
}

}  // namespace troupe::actors
