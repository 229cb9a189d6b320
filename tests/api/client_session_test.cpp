// The session behind a client, with a head that the test plays by hand.
#include "api/client_session.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::detail;
using namespace std::chrono_literals;

namespace {

struct no_transport : client_transport {
  void wake() override {}
  void close(std::chrono::nanoseconds) override {}
  const std::string& address() const override { return where; }
  std::string where = "test";
};

class played_head {
 public:
  played_head() { session->attach(std::make_unique<no_transport>()); }

  void welcome(std::uint32_t epoch = 1) {
    protocol::welcome w;
    w.epoch = epoch_id{epoch};
    session->connected(w);
  }
  void say(protocol::message m) {
    std::vector<protocol::message> list;
    list.push_back(std::move(m));
    session->received(list);
  }
  // What the client says now.
  std::vector<protocol::message> heard() {
    std::vector<protocol::message> out;
    session->take_outgoing(out, 1'000'000);
    return out;
  }
  template <class T>
  static std::vector<T> all(const std::vector<protocol::message>& messages) {
    std::vector<T> out;
    for (const auto& m : messages)
      if (auto* x = std::get_if<T>(&m)) out.push_back(*x);
    return out;
  }
  static std::size_t tasks(const std::vector<protocol::message>& messages) {
    std::size_t n = 0;
    for (const auto& add : all<protocol::add_tasks>(messages))
      n += add.tasks.empty() ? add.count : add.tasks.size();
    return n;
  }

  std::shared_ptr<client_session> session = std::make_shared<client_session>("test");
};

task_spec call(std::string function) {
  task_spec s;
  s.function = std::move(function);
  return s;
}

template <class F>
failure thrown_by(F f) {
  try {
    f();
  } catch (const error& e) {
    return e.why();
  }
  FAIL("nothing was thrown");
  return {};
}

}  // namespace

TEST_CASE("a submission that no message can carry is refused at once, and nothing of it is sent") {
  played_head head;
  head.welcome();
  head.say(protocol::submit_credit{1000});
  failure why;
  SECTION("a command that reads 70 MB") {
    task_spec spec;
    spec.kind = task_kind::exec;
    spec.command.argv = {"cat"};
    spec.command.stdin_data = std::string(70'000'000, 'x');
    why = thrown_by([&] { head.session->submit(spec, {}, {}); });
    CHECK(why.message ==
          "command \"cat\": its command and options take 70000020 bytes of one "
          "message, which has at most 67108608 bytes");
  }
  SECTION("a task with more inputs than a message has elements") {
    job_draft draft;
    draft.name = "merge";
    draft.templates = {call("f"), call("g")};
    draft.tasks.resize(2);
    draft.tasks[1].template_number = 1;
    draft.tasks[1].label = "all";
    draft.tasks[1].inputs.resize(1'100'000, 0);
    why = thrown_by([&] { head.session->submit_job(draft); });
    CHECK(why.message ==
          "job \"merge\", task 1, \"all\": it has 1100000 inputs and dependencies; "
          "at most 1048320");
  }
  SECTION("an element of a map that nests too deep") {
    std::string deep(1000, '\x91');
    deep += '\xc0';
    std::vector<packed_call> calls(3);
    calls[2].arguments =
        value::copy_of({reinterpret_cast<const std::byte*>(deep.data()), deep.size()});
    why = thrown_by([&] { head.session->map(call("f"), calls); });
    CHECK(why.code == errc::invalid_argument);
    CHECK(why.message.find("call of \"f\", element 2 of the map: its arguments: ") == 0);
  }
  SECTION("a job's name") {
    job_draft draft;
    draft.name = std::string(70'000'000, 'n');
    why = thrown_by([&] { head.session->submit_job(draft); });
  }
  SECTION("a question") {
    auto answer = head.session->request(std::string(70'000'000, 'q'), {}, 0s);
    REQUIRE_FALSE(answer);
    why = answer.error();
  }
  CHECK((why.code == errc::too_large || why.code == errc::invalid_argument));
  CHECK(head.heard().empty());
  // The next one goes as if nothing had been.
  auto good = head.session->submit(call("f"), {}, {});
  CHECK(head.tasks(head.heard()) == 1);
}

TEST_CASE("a long reason of a cancellation is refused") {
  played_head head;
  auto task = head.session->submit(call("f"), {}, {});
  CHECK(thrown_by([&] { task.cancel(std::string(70'000'000, 'r')); }).code == errc::too_large);
}
