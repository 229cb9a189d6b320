// What is refused before it is sent is what a link would not take, and nothing much smaller.
#include "libruntime/protocol/limits.hpp"

#include "tests/libruntime/protocol/session_pair.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::protocol;
using troupe::protocol::testing::session_pair;
using troupe::protocol::testing::text_value;

namespace {

session_settings small() {
  session_settings s;
  s.batch = 512;
  s.inline_value = 128;
  s.max_message = 8192;
  s.max_message_items = 1024;
  s.max_blob = 100'000;
  return s;
}

// Whether a session takes the message and its like at the other end does.
bool travels(message m) {
  session_pair pair{small()};
  if (!pair.left.send(std::move(m))) return false;
  pair.run();
  return !pair.arrived.empty();
}

new_task task_with(std::size_t inputs, std::size_t label) {
  new_task t;
  t.inputs = std::vector(inputs, task_reference{job_id{UINT32_MAX}, UINT64_MAX, UINT32_MAX});
  t.label = std::string(label, 'l');
  return t;
}

value nested(int depth) {
  std::string bytes(static_cast<std::size_t>(depth), '\x91');
  bytes += '\xc0';
  return value::copy_of(wire::as_bytes(bytes));
}

}  // namespace

TEST_CASE("every task that the check lets pass can be sent, and what it stops is near the limit") {
  auto limits = small();
  for (std::size_t inputs : {0, 1, 20, 300, 380, 400, 420, 700, 767, 769, 1100}) {
    for (std::size_t label : {0, 200, 2000, 7900, 7936, 8100, 9000}) {
      auto t = task_with(inputs, label);
      auto fine = check_task(t, limits);
      bool sent = travels(add_tasks{UINT64_MAX, UINT32_MAX, UINT32_MAX, 0, {t}});
      CAPTURE(inputs, label, fine ? "" : fine.error().message);
      if (is_small_task(t.arguments, inputs, label, limits)) CHECK(fine);
      if (fine) CHECK(sent);
      if (!fine) CHECK(fine.error().code == errc::too_large);
      if (!fine)
        CHECK((inputs > limits.max_message_items - 300 ||
               inputs * 20 + label > limits.max_message - 300));
    }
  }
}

TEST_CASE("too many inputs are refused by their number, too many bytes by theirs") {
  auto many = check_task(task_with(1'048'577, 0));
  REQUIRE_FALSE(many);
  CHECK(many.error().message == "it has 1048577 inputs and dependencies; at most 1048320");
  auto long_label = check_task(task_with(0, std::size_t{65} << 20));
  REQUIRE_FALSE(long_label);
  CHECK(long_label.error().message.find("its inputs, dependencies and label take 681574") == 0);
  CHECK(long_label.error().message.find("of one message, which has at most 67108608 bytes") !=
        std::string::npos);
}

TEST_CASE("a command that no message can hold is refused, however its bytes are spread") {
  auto limits = small();
  task_spec spec;
  spec.kind = task_kind::exec;
  spec.command.argv = {"sh"};
  CHECK(check_spec(spec, limits));
  SECTION("what it reads") {
    spec.command.stdin_data = std::string(9000, 'x');
  }
  SECTION("one word") {
    spec.command.argv.emplace_back(9000, 'x');
  }
  SECTION("many words of moderate length") {
    for (int i = 0; i < 100; ++i) spec.command.argv.emplace_back(100, 'x');
  }
  SECTION("its environment") {
    spec.command.env = {{"NAME", std::string(9000, 'x')}};
  }
  auto fine = check_spec(spec, limits);
  REQUIRE_FALSE(fine);
  CHECK(fine.error().code == errc::too_large);
  CHECK(fine.error().message.find("its command and options take ") == 0);
  CHECK_FALSE(travels(define_template{0, 0, spec}));
}

TEST_CASE("a command just within the limit is sent") {
  auto limits = small();
  task_spec spec;
  spec.kind = task_kind::exec;
  spec.command.stdin_data = std::string(limits.max_message - 300, 'x');
  REQUIRE(check_spec(spec, limits));
  CHECK(travels(define_template{UINT64_MAX, UINT32_MAX, spec}));
  CHECK(travels(worker_template{template_id{UINT32_MAX}, spec}));
}

TEST_CASE("resources that no reader takes are refused") {
  task_spec spec;
  SECTION("too many") {
    for (int i = 0; i < 257; ++i) spec.options.resources.set(std::to_string(i) + "r", 1);
    CHECK(check_spec(spec).error().message == "it asks for 257 resources; at most 256");
  }
  SECTION("one below 0") {
    spec.options.resources.set("GPU", -1000);
    CHECK(check_spec(spec).error().message == "it asks for less than 0 of the resource \"GPU\"");
  }
  REQUIRE_FALSE(check_spec(spec));
}

TEST_CASE("a value is refused where it is too large or nests too deep") {
  auto limits = small();
  CHECK(check_value(text_value(99'000), limits));
  auto large = check_value(text_value(100'000), limits);
  REQUIRE_FALSE(large);
  CHECK(large.error().message == "a value of 100005 bytes; at most 100000 bytes");
  CHECK(check_value(nested(127)));
  CHECK(check_value(nested(128)).has_value() == travels(request{1, "m", nested(128)}));
  auto deep = check_value(nested(500));
  REQUIRE_FALSE(deep);
  CHECK(deep.error().code == errc::invalid_argument);
}
