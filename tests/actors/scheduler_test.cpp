#include "actors/scheduler.hpp"

#include "actors/errors.hpp"
#include "actors/head.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "troupe/error.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

// Tells the test of every notice.
autoscaler_actor::behavior_type listening_autoscaler(autoscaler_actor::pointer, caf::actor listener) {
  return {
      [](const pool_report&) {},
      [=](demand_notice n) { caf::anon_send(listener, n); },
      [](const autoscaler::signal_reading&) {},
      [](const autoscaler_options&) {},
      [](const control_query&) { return value{}; },
      [](begin_shutdown) {},
      [](get_decision_counts) -> decision_counts_ptr { return nullptr; },
      [](wake_up) {},
  };
}

party_actor::behavior_type silent_party(party_actor::pointer) {
  return {[](const outbox&) {}};
}

struct rig {
  rig() {
    scheduler_options o;
    o.files = value_or_throw(file_store::open(folder.path() / "results"));
    scheduler = system.spawn(actors::scheduler, std::move(o));
    autoscaler = system.spawn(listening_autoscaler, caf::actor{self.ptr()});
    self->send(scheduler, cast{autoscaler, {}, {}, {}});
    self->request(scheduler, caf::infinite, join_client{party, 1, "somebody", true})
        .receive([&](client_id id) { client = id; }, [](const caf::error&) { FAIL("not joined"); });
  }
  ~rig() {
    self->send_exit(scheduler, caf::exit_reason::user_shutdown);
    self->send_exit(autoscaler, caf::exit_reason::user_shutdown);
    self->send_exit(party, caf::exit_reason::user_shutdown);
  }
  // A task that no worker is there for.
  void submit(std::uint64_t key) {
    task_spec spec;
    spec.function = "f";
    self->send(scheduler, client_batch{client,
                                       {protocol::open_job{key}, protocol::define_template{key, 0, spec},
                                        protocol::add_tasks{key, 0, 0, 1, {}}}});
  }
  void look() {
    self->request(scheduler, caf::infinite, get_snapshot{})
        .receive([](const snapshot_ptr&) {}, [](const caf::error&) { FAIL("no snapshot"); });
  }
  // That came since the last call. A question sees what was said before it, and its answer comes after that.
  int notices() {
    self->request(scheduler, caf::infinite, control_query{client, true, "status", {}})
        .receive([](const value&) {}, [](const caf::error& e) { FAIL(to_failure(e).message); });
    self->request(autoscaler, caf::infinite, get_decision_counts{})
        .receive([](const decision_counts_ptr&) {}, [](const caf::error&) { FAIL("no answer"); });
    int n = 0;
    bool more = true;
    while (more)
      self->receive([&](demand_notice) { ++n; },
                    caf::after(std::chrono::seconds{0}) >> [&] { more = false; });
    return n;
  }

  tests::temporary_folder folder;
  system_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  scheduler_actor scheduler;
  autoscaler_actor autoscaler;
  party_actor party = system.spawn(silent_party);
  client_id client;
};

}  // namespace

TEST_CASE("unmet demand is told once until the autoscaler has looked") {
  rig r;
  r.submit(1);
  CHECK(r.notices() == 1);
  r.submit(2);
  r.submit(3);
  CHECK(r.notices() == 0);
  r.look();
  CHECK(r.notices() == 0);
  r.submit(4);
  r.submit(5);
  CHECK(r.notices() == 1);
}
