#include "actors/io_actor.hpp"

#include <future>
#include <thread>

#include "actors/head.hpp"
#include "net/io.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

using where_actor = caf::typed_actor<caf::replies_to<int>::with<int>>;

struct where_state {
  static inline const char* name = "where";
  std::shared_ptr<std::promise<void>> over;
  std::thread::id ran_on;
  int asked = 0;
  ~where_state() {
    if (over) over->set_value();
  }
};
using self_pointer = where_actor::stateful_pointer<where_state>;

struct rig {
  where_actor spawn() {
    return spawn_on_io<where_actor, where_state>(
        system, [this](std::function<void()> fn) { io.post(std::move(fn)); },
        [this](self_pointer self) -> where_actor::behavior_type {
          self->state.over = over;
          self->state.ran_on = std::this_thread::get_id();
          return {[self](int x) {
            ++self->state.asked;
            return self->state.ran_on == std::this_thread::get_id() ? x + self->state.asked : -1;
          }};
        });
  }
  std::thread::id io_thread() {
    std::promise<std::thread::id> id;
    io.post([&] { id.set_value(std::this_thread::get_id()); });
    return id.get_future().get();
  }
  bool ended() {
    return over->get_future().wait_for(std::chrono::seconds{10}) == std::future_status::ready;
  }

  system_config config;
  caf::actor_system system{config};
  net::io io{1};
  std::shared_ptr<std::promise<void>> over = std::make_shared<std::promise<void>>();
};

}  // namespace

TEST_CASE("an io actor answers in order, always on its io thread") {
  rig r;
  {
    auto a = r.spawn();
    caf::scoped_actor self{r.system};
    for (int i = 1; i <= 100; ++i) {
      int got = 0;
      self->request(a, std::chrono::seconds{10}, 1000)
          .receive([&](int x) { got = x; }, [](const caf::error&) {});
      REQUIRE(got == 1000 + i);
    }
  }
  CHECK(r.ended());  // with its last handle
}

TEST_CASE("an io actor comes to its end although its io has stopped") {
  rig r;
  auto a = r.spawn();
  r.io_thread();  // it has begun
  r.io.stop();
  r.io.join();
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  a = nullptr;
  CHECK(r.ended());
}

TEST_CASE("messages that cross the end of the io are not lost") {
  for (int round = 0; round < 50; ++round) {
    rig r;
    auto a = r.spawn();
    std::thread sender([&] {
      for (int i = 0; i < 20; ++i) caf::anon_send(a, i);
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    });
    r.io.stop();
    r.io.join();
    sender.join();
    a = nullptr;
    REQUIRE(r.ended());
  }
}
