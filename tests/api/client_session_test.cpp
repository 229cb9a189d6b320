// The session behind a client, with a head that the test plays by hand.
#include "api/client_session.hpp"

#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "api/submission.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::detail;
using namespace std::chrono_literals;

namespace {

struct no_transport : client_transport {
  void wake() override {
    if (auto once = std::exchange(on_wake, nullptr)) once();
  }
  void close(std::chrono::nanoseconds) override {
    if (on_close) on_close();
  }
  std::function<void()> on_wake, on_close;
  bool on_its_thread() const override { return true; }  // nobody else would send what is left
  const std::string& address() const override { return where; }
  std::string where = "test";
};

class played_head {
 public:
  played_head() {
    auto t = std::make_unique<no_transport>();
    transport = t.get();
    session->attach(std::move(t));
  }

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
  // The key of the one job that was opened since it was last heard.
  std::uint64_t opened_key() {
    auto opened = all<protocol::open_job>(heard());
    REQUIRE(opened.size() == 1);
    return opened[0].key;
  }
  // The task at `i` of job 1 gives `i`.
  void end(std::uint64_t key, task_index i) {
    protocol::results some{key, job_id{1}, {}};
    some.items.push_back({i, protocol::outcome::succeeded, value::of(static_cast<int>(i)), {}});
    say(some);
  }
  // The next question is answered while it is asked.
  void answer_at_once() {
    transport->on_wake = [this] {
      answered = heard();
      for (const auto& r : all<protocol::request>(answered)) say(protocol::response{r.number, {}, {}});
    };
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

  std::shared_ptr<client_session> session = client_session::make("test");
  no_transport* transport = nullptr;  // the session's
  std::vector<protocol::message> answered;
};

// A map of so many calls without arguments.
std::shared_ptr<holder> map(played_head& head, task_spec spec, int n) {
  map_writer out(head.session, std::move(spec), true);
  for (int i = 0; i < n; ++i) out.add({}, {});
  return out.finish();
}

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

TEST_CASE("a single submission of many inputs is a message of its own") {
  played_head head;
  head.welcome();
  task_spec spec;
  spec.function = "f";
  auto source = head.session->submit(spec, {}, {});
  head.session->submit(spec, {}, std::vector<task_handle>(50'000, source));
  for (int i = 0; i < 3; ++i) head.session->submit(spec, {}, {});
  head.say(protocol::submit_credit{1000, 0});
  std::vector<std::size_t> sizes;
  for (const auto& add : played_head::all<protocol::add_tasks>(head.heard()))
    sizes.push_back(add.tasks.size());
  CHECK(sizes == std::vector<std::size_t>{1, 1, 3});
}

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
    auto nested = value::copy_of({reinterpret_cast<const std::byte*>(deep.data()), deep.size()});
    why = thrown_by([&] {
      map_writer out(head.session, call("f"), true);
      for (int i = 0; i < 10'000; ++i) out.add({}, {});
      out.add(nested, {});
    });
    CHECK(why.code == errc::invalid_argument);
    CHECK(why.message.find("call of \"f\", element 10000 of the map: its arguments: ") == 0);
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

TEST_CASE("only what the head says it has received is not sent again after a break") {
  played_head head;
  head.welcome();
  head.say(protocol::submit_credit{3});
  std::vector<task_handle> held;
  for (int i = 0; i < 5; ++i) held.push_back(head.session->submit(call("f"), {}, {}));
  CHECK(head.tasks(head.heard()) == 3);
  // More room there, because others' tasks have ended: it says nothing of these three.
  head.say(protocol::submit_credit{10, 0});
  CHECK(head.tasks(head.heard()) == 2);
  SECTION("nothing has come") {
    head.welcome();
    head.say(protocol::submit_credit{100, 0});
    auto again = head.heard();
    CHECK(head.tasks(again) == 5);
    CHECK(head.all<protocol::open_job>(again).size() == 1);
  }
  SECTION("the first three have") {
    head.say(protocol::submit_credit{1, 3});
    head.welcome();
    head.say(protocol::submit_credit{100, 0});
    auto again = head.heard();
    CHECK(head.tasks(again) == 2);
    CHECK(head.all<protocol::add_tasks>(again).at(0).position == 3);
    CHECK(head.all<protocol::open_job>(again).empty());
  }
  SECTION("a count beyond what was sent is not believed") {
    head.say(protocol::submit_credit{1, UINT64_MAX});
    held.push_back(head.session->submit(call("f"), {}, {}));
    CHECK(head.tasks(head.heard()) == 1);
    head.welcome();
    head.say(protocol::submit_credit{100, 0});
    CHECK(head.tasks(head.heard()) == 1);
  }
}

namespace {

protocol::events story(std::uint64_t first, std::uint64_t last) {
  protocol::events m;
  for (auto n = first; n <= last; ++n) {
    protocol::event_record e;
    e.number = n;
    m.items.push_back(e);
  }
  return m;
}

// What the last question for events asked for.
std::uint64_t asked_from(const std::vector<protocol::message>& messages) {
  auto requests = played_head::all<protocol::request>(messages);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "events");
  return requests[0].parameters.as<std::map<std::string, std::uint64_t>>().at("from");
}

}  // namespace

TEST_CASE("the first calls of a map leave while the last are being packed") {
  played_head head;
  head.welcome();
  head.say(protocol::submit_credit{1'000'000});
  auto heard_of = [&](bool whole) {
    map_writer out(head.session, call("f"), whole);
    std::size_t early = 0;
    for (std::size_t i = 1; i <= 10'000; ++i) {
      out.add({}, {});
      if (i == first_piece) early = head.tasks(head.heard());
    }
    CHECK(early == (whole ? 0 : first_piece));
    early += head.tasks(head.heard());
    auto all = out.finish();
    auto rest = head.heard();
    CHECK(early + head.tasks(rest) == 10'000);
    CHECK(head.all<protocol::close_job>(rest).size() == 1);
    CHECK(all->job->slots.size() == 10'000);
    return early;
  };
  CHECK(heard_of(false) == 7 * first_piece);
  // One that might be refused leaves nothing behind.
  CHECK(heard_of(true) == 0);
}

TEST_CASE("a map that ends with a piece says so in a message without tasks") {
  played_head head;
  head.welcome();
  head.say(protocol::submit_credit{1'000'000});
  map_writer out(head.session, call("f"), false);
  for (std::size_t i = 0; i < first_piece; ++i) out.add({}, {});
  CHECK(head.tasks(head.heard()) == first_piece);
  auto all = out.finish();
  auto rest = head.heard();
  CHECK(head.tasks(rest) == 0);
  CHECK(head.all<protocol::close_job>(rest).size() == 1);
  CHECK(all->job->slots.size() == first_piece);
}

TEST_CASE("a map that is given up while it is packed is cancelled") {
  played_head head;
  head.welcome();
  head.say(protocol::submit_credit{1'000'000});
  {
    map_writer out(head.session, call("f"), false);
    for (int i = 0; i < 10'000; ++i) out.add({}, {});
  }
  auto said = head.heard();
  auto opened = head.all<protocol::open_job>(said);
  REQUIRE(opened.size() == 1);
  CHECK(head.all<protocol::close_job>(said).size() == 1);
  head.say(protocol::job_opened{opened[0].key, job_id{7}});
  auto then = head.heard();
  auto releases = head.all<protocol::release_results>(then);
  REQUIRE(releases.size() == 1);
  CHECK(releases[0].job == job_id{7});
  auto cancels = head.all<protocol::cancel>(then);
  REQUIRE(cancels.size() == 1);
  CHECK(cancels[0].job == job_id{7});
  CHECK(cancels[0].tasks.empty());
}

TEST_CASE("of a map whose head is restarted while it is packed nothing more is sent, and all fails") {
  played_head head;
  head.welcome(1);
  head.say(protocol::submit_credit{1'000'000});
  map_writer out(head.session, call("f"), false);
  for (int i = 0; i < 10'000; ++i) out.add({}, {});
  CHECK(head.tasks(head.heard()) == 7 * first_piece);
  head.session->broken();
  head.welcome(2);
  head.say(protocol::submit_credit{1'000'000});
  for (int i = 0; i < 10'000; ++i) out.add({}, {});
  auto all = out.finish();
  CHECK(head.heard().empty());
  CHECK(all->job->ended == 20'000);
  CHECK(all->job->failed == 20'000);
}

TEST_CASE("who waits for all of a map is woken when the last one is over") {
  played_head head;
  head.welcome();
  head.say(protocol::submit_credit{100});
  futures<int> all(map(head, call("f"), 3), 0, 3);
  auto key = head.opened_key();
  std::thread played([&] {
    for (task_index i : {2u, 0u, 1u}) head.end(key, i);
  });
  all.wait();
  CHECK(all[1].done());
  played.join();
  CHECK(all.get() == std::vector<int>{0, 1, 2});
}

TEST_CASE("who waits for one task is woken by its end, whatever others do") {
  played_head head;
  head.welcome();
  head.say(protocol::submit_credit{100});
  futures<int> all(map(head, call("f"), 3), 0, 3);
  auto key = head.opened_key();
  head.end(key, 0);  // the first word of a job tells all who wait; those after it only whom they concern
  std::thread played([&] { head.end(key, 2); });
  SECTION("without a limit") { CHECK(all[2].get() == 2); }
  SECTION("for a while") { CHECK(all[2].wait_for(1min)); }
  played.join();
  CHECK_FALSE(all[1].done());
  CHECK_FALSE(all[1].wait_for(1ms));
}

TEST_CASE("of a job that is over nothing is said again after a break") {
  played_head head;
  head.welcome();
  head.say(protocol::submit_credit{100});
  auto over = map(head, call("f"), 3);
  auto refused = map(head, call("g"), 3);
  auto goes_on = map(head, call("h"), 3);
  auto opened = played_head::all<protocol::open_job>(head.heard());
  REQUIRE(opened.size() == 3);
  head.say(protocol::job_finished{opened[0].key, job_id{1}, 3, 0, 0});
  head.say(protocol::job_refused{opened[1].key, failure{errc::unknown_function, "no g", {}}});
  head.say(protocol::job_refused{opened[1].key, failure{errc::not_found, "no such job", {}}});

  head.session->broken();
  head.welcome();
  head.say(protocol::submit_credit{100});
  auto again = head.heard();
  auto jobs = played_head::all<protocol::open_job>(again);
  REQUIRE(jobs.size() == 1);
  CHECK(jobs[0].key == opened[2].key);
  CHECK(head.tasks(again) == 3);
  CHECK(refused->job->refused->message == "no g");
}

TEST_CASE("events go on behind the last one seen when the link was broken") {
  played_head head;
  head.welcome();
  std::vector<std::uint64_t> seen;
  std::vector<std::string> gaps;
  event_follower follower;
  follower.on_events = [&](const protocol::events& m) {
    for (const auto& e : m.items) seen.push_back(e.number);
  };
  follower.on_gap = [&](const std::string& words) { gaps.push_back(words); };
  head.answer_at_once();
  REQUIRE(head.session->follow_events(0, follower));
  CHECK(asked_from(head.answered) == 0);
  head.say(story(1, 3));
  head.say(story(3, 4));  // the answer and what came meanwhile overlap
  CHECK(seen == std::vector<std::uint64_t>{1, 2, 3, 4});

  head.session->broken();
  head.welcome();
  CHECK(asked_from(head.heard()) == 5);
  SECTION("nothing is missing") {
    head.say(story(5, 6));
    CHECK(seen.size() == 6);
    CHECK(gaps.empty());
  }
  SECTION("some are no longer kept: it says how many") {
    head.say(story(8, 8));
    CHECK(gaps == std::vector<std::string>{"3 events came meanwhile and are no longer kept"});
    CHECK(seen.back() == 8);
  }
  SECTION("another head begins anew: it says so") {
    head.session->broken();
    head.welcome(2);
    CHECK(asked_from(head.heard()) == 0);
    REQUIRE(gaps.size() == 1);
    CHECK(gaps[0].find("the head was restarted") == 0);
    head.say(story(1, 2));
    CHECK(seen == std::vector<std::uint64_t>{1, 2, 3, 4, 1, 2});
  }
}

TEST_CASE("a client is closed when its last handle goes, while its transport still reaches it") {
  std::size_t left = 0;
  bool reached = false;
  std::weak_ptr<client_session> weak;
  {
    played_head head;
    weak = head.session->weak_from_this();
    head.transport->on_close = [&, weak] {
      auto session = weak.lock();
      reached = session != nullptr;
      std::vector<protocol::message> out;
      if (session) session->take_outgoing(out, 100);
      left = played_head::all<protocol::close_job>(out).size();
    };
    head.welcome();
    head.say(protocol::submit_credit{10});
    auto future = head.session->submit(call("f"), {}, {});
    CHECK(head.tasks(head.heard()) == 1);
    head.session.reset();
    CHECK_FALSE(reached);  // a future is a handle, too
  }
  CHECK(reached);
  CHECK(left == 1);
  CHECK(weak.expired());
}
