// Deadlines and counting around a provider.
#include "providers/guarded_provider.hpp"

#include <stdexcept>

#include "tests/providers/provider_rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::providers::test {

namespace {

// Keeps its replies; the test answers when it likes.
struct silent_provider : provider {
  void launch(launch_request, time_point, reply<launched> r) override { launches.add(r); }
  void list(time_point, reply<std::vector<instance>> r) override { lists.add(r); }
  void terminate(std::vector<instance_id>, time_point, reply<done>) override {
    throw std::runtime_error("broken");
  }
  void on_end(end_handler) override {}
  collected<reply<launched>> launches;
  collected<reply<std::vector<instance>>> lists;
};

struct guarded_rig {
  guarded_rig() {
    auto inner = std::make_unique<silent_provider>();
    silent = inner.get();
    guarded = make_guarded_provider(std::move(inner), [m = metered](auto& o) { m.add(o); });
  }
  collected<call_outcome> metered;
  silent_provider* silent = nullptr;
  std::unique_ptr<provider> guarded;
  collected<answer<launched>> launched_answers;
};

}  // namespace

TEST_CASE("a launch without an answer is ambiguous at its deadline, and answered once") {
  guarded_rig r;
  auto answers = r.launched_answers;
  r.guarded->launch({}, clock::now() + 20ms, [answers](auto a) { answers.add(std::move(a)); });
  REQUIRE(wait_for([&] { return answers.size() == 1; }));
  REQUIRE_FALSE(answers.all()[0]);
  CHECK(answers.all()[0].error().kind == failure_class::ambiguous);
  r.silent->launches.all()[0](launched{});
  CHECK(answers.size() == 1);
  REQUIRE(r.metered.size() == 2);
  CHECK(r.metered.all()[0].failed == failure_class::ambiguous);
  CHECK(r.metered.all()[1].late);
}

TEST_CASE("an answer in time is passed on, counted with how long it took") {
  guarded_rig r;
  collected<answer<std::vector<instance>>> answers;
  r.guarded->list(deadline(), [answers](auto a) { answers.add(std::move(a)); });
  r.silent->lists.all()[0](std::vector<instance>(2));
  REQUIRE(answers.size() == 1);
  CHECK(answers.all()[0]->size() == 2);
  REQUIRE(r.metered.size() == 1);
  CHECK(r.metered.all()[0].call == provider_call::list);
  CHECK_FALSE(r.metered.all()[0].failed);
  r.silent->lists.all()[0](std::vector<instance>(2));  // a second answer
  CHECK(answers.size() == 1);
}

TEST_CASE("an exception of the inner provider is a failure") {
  guarded_rig r;
  collected<answer<done>> answers;
  r.guarded->terminate({}, deadline(), [answers](auto a) { answers.add(std::move(a)); });
  REQUIRE(answers.size() == 1);
  CHECK(answers.all()[0].error().message == "terminate: broken");
}

TEST_CASE("what is open when the provider goes is answered") {
  guarded_rig r;
  auto answers = r.launched_answers;
  r.guarded->launch({}, deadline(), [answers](auto a) { answers.add(std::move(a)); });
  r.guarded.reset();
  REQUIRE(answers.size() == 1);
  CHECK(answers.all()[0].error().kind == failure_class::ambiguous);
}

}  // namespace troupe::providers::test
