#include "actors/worker.hpp"

namespace troupe::actors {
namespace {

using self_pointer = worker_actor::stateful_pointer<worker_actor_state>;

void report(self_pointer self) {
  auto& s = self->state;
  if (!s.send) return;  // kept by the executor until somebody can be told
  std::vector<protocol::message> messages;
  auto out = s.options.executor->take_output();
  if (!out.started.empty()) messages.emplace_back(protocol::started{std::move(out.started)});
  for (const auto& batch : out.finished) messages.emplace_back(*batch);
  if (!messages.empty()) s.send(std::move(messages));
  if (!out.stuck.empty() && s.options.on_stuck) s.options.on_stuck(to_string(out.stuck[0].task));
}

// Waiting for running tasks needs a thread that may block.
caf::behavior stopper(caf::event_based_actor* self, worker_actor worker,
                      std::shared_ptr<worker::executor> executor, duration grace,
                      std::string reason) {
  executor->stop(clock::now() + grace);
  self->send(worker, worker_ended{std::move(reason)});
  return {};
}

void end(self_pointer self, const std::string& reason) {
  auto& s = self->state;
  if (std::exchange(s.ending, true)) return;
  self->spawn<caf::detached>(stopper, caf::actor_cast<worker_actor>(self), s.options.executor,
                             s.options.stop_grace, reason);
}

struct receiver {
  self_pointer self;
  worker::executor& executor;

  void operator()(protocol::worker_template& m) { executor.define(std::move(m)); }
  void operator()(protocol::assign& m) { executor.assign(std::move(m)); }
  void operator()(protocol::cancel_attempts& m) { executor.cancel(m); }
  void operator()(protocol::ack& m) { executor.acknowledge(m.number); }
  void operator()(protocol::drain&) { executor.drain(); }
  void operator()(protocol::stop& m) { end(self, m.reason); }
  void operator()(protocol::recall& m) {
    auto answer = executor.recall(m);
    // What has finished meanwhile is told first: the head sees `kept` after the reason for it.
    report(self);
    if (self->state.send) self->state.send({std::move(answer)});
  }
  template <class T>
  void operator()(T&) {}  // not for workers; the uplink is our own program's
};

void beat(self_pointer self) {
  auto& s = self->state;
  if (s.send) {
    protocol::heartbeat h;
    auto load = s.options.executor->load();
    h.running = load.running;
    h.queued = load.queued;
    if (s.options.measure) s.options.measure(h);
    s.send({std::move(h)});
  }
  self->delayed_send(self, s.options.heartbeat_interval, wake_up{});
}

}  // namespace

worker_actor::behavior_type worker_behavior(self_pointer self, worker_actor_options options) {
  self->state.options = std::move(options);
  self->delayed_send(self, self->state.options.heartbeat_interval, wake_up{});
  return {
      [self](outbox& box) {
        receiver r{self, *self->state.options.executor};
        for (auto& m : box.messages) std::visit(r, m);
      },
      [self](output_ready) { report(self); },
      [self](set_upstream& u) {
        auto& s = self->state;
        s.send = std::move(u.send);
        if (!s.send) return;
        std::vector<protocol::message> again;
        for (const auto& batch : s.options.executor->unacknowledged()) again.emplace_back(*batch);
        if (!again.empty()) s.send(std::move(again));
        report(self);
      },
      [self](const end_worker& e) { end(self, e.reason); },
      [self](const worker_ended& e) {
        auto& s = self->state;
        report(self);
        if (s.send) s.send({protocol::goodbye{e.reason}});
        if (s.options.on_ended) s.options.on_ended(e.reason);
        self->quit();
      },
      [self](wake_up) { beat(self); },
  };
}

}  // namespace troupe::actors
