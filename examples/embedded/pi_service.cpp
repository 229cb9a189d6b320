// A service that estimates pi, see pi_service.hpp.
#include "pi_service.hpp"

#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "actors/errors.hpp"

namespace embedded {

namespace {

namespace actors = troupe::actors;
namespace protocol = troupe::protocol;
using self_pointer = pi_service_actor::stateful_pointer<pi_service_state>;

constexpr std::uint32_t tasks_per_order = 16;

// One job: a template, one task a seed, and its end.
std::vector<protocol::message> job_messages(std::uint64_t key, std::uint64_t darts) {
  troupe::task_spec spec;
  spec.function = "embedded.throw_darts";
  protocol::add_tasks add;
  add.key = key;
  for (std::uint64_t seed = 0; seed < tasks_per_order; ++seed) {
    auto arguments = std::make_tuple(key * tasks_per_order + seed, darts / tasks_per_order);
    add.tasks.push_back({troupe::value::of(arguments), {}, {}, {}});
  }
  protocol::open_job open;
  open.key = key;
  open.name = "estimate of pi";
  return {open, protocol::define_template{key, 0, spec}, std::move(add), protocol::close_job{key}};
}

void submit_waiting(self_pointer self) {
  auto& state = self->state;
  while (state.client.value != 0 && !state.waiting.empty() && state.credit >= tasks_per_order) {
    auto key = state.next_key++;
    auto order = std::move(state.waiting.front());
    state.waiting.pop_front();
    state.credit -= tasks_per_order;
    self->send(state.scheduler, actors::client_batch{state.client, job_messages(key, order.darts)});
    state.jobs.emplace(key, std::move(order));
  }
}

// What the scheduler can say to a client; only some of it matters here.
struct listener {
  self_pointer self;

  void operator()(const protocol::submit_credit& m) {
    self->state.credit += m.tasks;
    submit_waiting(self);
  }
  void operator()(const protocol::results& m) {
    auto job = self->state.jobs.find(m.key);
    if (job == self->state.jobs.end()) return;
    for (const auto& item : m.items) {
      if (item.outcome == protocol::outcome::succeeded) {
        job->second.inside += item.result.as<std::uint64_t>();
      } else {
        return refuse(m.key, item.error.value_or(troupe::failure{}));
      }
    }
  }
  void operator()(const protocol::job_finished& m) {
    auto job = self->state.jobs.find(m.key);
    if (job == self->state.jobs.end()) return;
    auto& order = job->second;
    auto thrown = order.darts / tasks_per_order * tasks_per_order;
    order.reply.deliver(4.0 * static_cast<double>(order.inside) / static_cast<double>(thrown));
    self->state.jobs.erase(job);
    // The results have been read: the cluster need not keep them.
    protocol::release_results release{m.job, {{0, tasks_per_order}}};
    self->send(self->state.scheduler, actors::client_batch{self->state.client, {release}});
  }
  void operator()(const protocol::job_refused& m) { refuse(m.key, m.why); }
  template <class Other>
  void operator()(const Other&) {}

  void refuse(std::uint64_t key, const troupe::failure& why) {
    auto job = self->state.jobs.find(key);
    if (job == self->state.jobs.end()) return;
    job->second.reply.deliver(actors::to_error(why));
    self->state.jobs.erase(job);
  }
};

}  // namespace

pi_service_actor::behavior_type pi_service(self_pointer self, actors::scheduler_actor scheduler) {
  self->state.scheduler = scheduler;
  actors::join_client join;
  join.party = caf::actor_cast<actors::party_actor>(caf::strong_actor_ptr(self->ctrl()));
  join.incarnation = std::random_device{}() | std::uint64_t{1} << 40;
  join.owner = "pi service";
  self->request(scheduler, std::chrono::seconds(5), std::move(join))
      .then(
          [self](troupe::client_id id) {
            self->state.client = id;
            submit_waiting(self);
          },
          [self](caf::error& why) { self->quit(std::move(why)); });
  return {
      [self](const actors::outbox& box) {
        for (const auto& message : box.messages) std::visit(listener{self}, message);
      },
      [self](const estimate& wanted) -> caf::result<double> {
        if (wanted.darts < tasks_per_order) {
          return actors::to_error({troupe::errc::invalid_argument, "too few darts to throw", {}});
        }
        auto reply = self->make_response_promise<double>();
        self->state.waiting.push_back({reply, wanted.darts, 0});
        submit_waiting(self);
        return reply;
      },
  };
}

std::uint64_t throw_darts(std::uint64_t seed, std::uint64_t darts) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> side(-1, 1);
  std::uint64_t inside = 0;
  for (std::uint64_t i = 0; i < darts; ++i) {
    auto x = side(random), y = side(random);
    if (x * x + y * y <= 1) ++inside;
  }
  return inside;
}

}  // namespace embedded
