// A program with an actor system of its own that spawns Troupe's actors inside it: scheduler,
// autoscaler, pool manager, workers as threads, and a service of its own among them. Everything
// talks by messages; nothing listens on a port.
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "actors/errors.hpp"
#include "actors/head.hpp"
#include "pi_service.hpp"

namespace {

using namespace std::chrono_literals;
namespace actors = troupe::actors;

// One pool of threads that grows from nothing and shrinks after a moment.
troupe::cluster_settings settings(const std::filesystem::path& state) {
  troupe::cluster_settings s;
  s.cluster.name = "embedded";
  s.cluster.state_dir = state;
  s.autoscaler.interval = 100ms;
  troupe::pool_settings pool;
  pool.name = "threads";
  pool.provider = troupe::threads_provider_settings{};
  pool.max = 2;
  pool.worker.slots = 1;
  pool.autoscaler = s.autoscaler;
  pool.autoscaler.scale_down.idle_timeout = 500ms;
  s.pools.push_back(pool);
  return s;
}

// Asks an actor and waits: for main and tests, never inside an actor.
template <class Answer, class Actor, class Question>
Answer ask(caf::scoped_actor& self, const Actor& whom, Question question) {
  Answer out{};
  self->request(whom, 60s, std::move(question))
      .receive([&](Answer& answer) { out = std::move(answer); },
               [](caf::error& e) { throw std::runtime_error(to_string(actors::to_failure(e))); });
  return out;
}

bool shrinks_to_nothing(caf::scoped_actor& self, const actors::scheduler_actor& scheduler) {
  auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    auto load = ask<actors::snapshot_ptr>(self, scheduler, actors::get_snapshot{});
    if (load->workers.empty()) return true;
    self->receive([](int) {}, caf::after(50ms) >> [] {});
  }
  return false;
}

int run(const std::filesystem::path& state) {
  troupe::function_registry functions;
  functions.add("embedded.throw_darts", &embedded::throw_darts);

  actors::system_config config;
  caf::actor_system system{config};
  actors::head_options options;
  options.settings = settings(state);
  options.listen = false;
  options.announce = false;
  options.functions = &functions;
  auto head = actors::head::start(system, std::move(options));
  if (!head) throw std::runtime_error(to_string(head.error()));
  auto scheduler = (*head)->scheduler();

  bool shrunk = false;
  {
    caf::scoped_actor self{system};
    auto service = system.spawn(embedded::pi_service, scheduler);
    for (std::uint64_t darts : {1'000u, 100'000u, 10'000'000u}) {
      auto pi = ask<double>(self, service, embedded::estimate{darts});
      auto load = ask<actors::snapshot_ptr>(self, scheduler, actors::get_snapshot{});
      std::cout << "pi is about " << pi << " after " << darts << " darts; the scheduler knows "
                << load->workers.size() << " workers" << std::endl;
    }
    self->send_exit(service, caf::exit_reason::user_shutdown);
    shrunk = shrinks_to_nothing(self, scheduler);
    std::cout << (shrunk ? "The pool is empty again" : "The pool did not shrink") << std::endl;
  }
  bool gone = (*head)->stop(true, 10s);
  std::cout << (gone ? "All of it is gone" : "Something is left") << std::endl;
  return shrunk && gone ? 0 : 1;
}

}  // namespace

int main() {
  auto state = std::filesystem::temp_directory_path() / ("troupe-embedded-" + std::to_string(getpid()));
  int code = 1;
  try {
    code = run(state);
  } catch (const std::exception& e) {
    std::cerr << "embedded: " << e.what() << '\n';
  }
  std::error_code ignored;
  std::filesystem::remove_all(state, ignored);
  return code;
}
