// How messages and big values share a link: order, overtaking, windows, cutting.
#include "libruntime/protocol/session.hpp"

#include "libruntime/protocol/split.hpp"
#include "tests/libruntime/protocol/random_message.hpp"
#include "tests/libruntime/protocol/session_pair.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::protocol;
using troupe::protocol::testing::equal_messages;
using troupe::protocol::testing::session_pair;
using troupe::protocol::testing::text_value;

namespace {

constexpr std::size_t big = std::size_t{1} << 20;
constexpr std::size_t huge = std::size_t{20} << 20;  // more than a window

add_tasks adds(std::uint64_t key, value arguments) {
  add_tasks m;
  m.key = key;
  m.tasks.push_back({std::move(arguments), {}, {}, {}});
  return m;
}
open_job opened(std::uint64_t key) {
  open_job m;
  m.key = key;
  return m;
}
assignment assigned(std::uint32_t index, value arguments = {}) {
  return {task_id{job_id{1}, index}, 1, template_id{1}, std::move(arguments), {}, false};
}
finished done(std::uint64_t number, value result = {}) {
  finished m;
  m.number = number;
  m.items.push_back({task_id{job_id{1}, 0}, 1, outcome::succeeded, duration{5}, result, {}});
  return m;
}
results result_of(std::uint32_t job, value v) {
  return {job, job_id{job}, {{0, outcome::succeeded, std::move(v), {}}}};
}
attempt_reference attempt(std::uint32_t index) { return {task_id{job_id{1}, index}, 1}; }

}  // namespace

TEST_CASE("small messages share a frame and keep their order") {
  session_pair pair;
  std::vector<message> sent;
  for (std::uint64_t i = 0; i < 100; ++i) {
    sent.push_back(done(i));
    pair.send(sent.back());
  }
  CHECK(pair.left.wants_to_write());
  pair.run();
  CHECK(pair.frames == 1);
  REQUIRE(pair.arrived.size() == sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) CHECK(equal_messages(pair.arrived[i], sent[i]));
  CHECK(pair.left.queued_bytes() == 0);
}

TEST_CASE("a big value arrives whole, before the message that names it, in bounded frames") {
  session_pair pair;
  auto v = text_value(huge);
  pair.send(done(1, v));
  CHECK(pair.left.queued_blob_bytes() == v.size());
  pair.run();
  REQUIRE(pair.arrived.size() == 1);
  CHECK(pair.all<finished>()[0].items[0].result == v);
  CHECK(pair.largest <= 256u << 10);
  CHECK(pair.left.queued_blob_bytes() == 0);
}

TEST_CASE("a blob stops at its window until the receiver grants more") {
  session_pair pair;
  auto v = text_value(huge);
  pair.send(done(1, v));
  while (pair.step()) {
  }
  CHECK(pair.left.wants_to_write());
  CHECK(pair.arrived.empty());
  // a stalled blob stops nothing urgent
  pair.send(heartbeat{.running = 1});
  CHECK(pair.step());
  CHECK(pair.order() == "heartbeat");
  pair.run();
  CHECK(pair.order() == "heartbeat finished");
}

TEST_CASE("urgent messages overtake a transfer within one frame") {
  session_pair pair;
  pair.send(done(1, text_value(huge)));
  pair.step();
  pair.send(heartbeat{});
  pair.step();
  CHECK(pair.order() == "heartbeat");
}

TEST_CASE("what a client submits stays in order behind a big argument") {
  session_pair pair;
  pair.send(opened(1));
  pair.send(adds(1, text_value(big)));
  pair.send(adds(1, value::of(1)));
  pair.send(close_job{1});
  pair.send(cancel{job_id{7}, {}, "all of it"});
  pair.send(cancel{job_id{8}, {{0, 1}}, "one"});
  pair.send(request{1, "status", {}});
  pair.run();
  CHECK(pair.order() == "cancel request open_job add_tasks add_tasks close_job cancel");
  CHECK(pair.all<cancel>()[0].job == job_id{7});
  CHECK(pair.all<add_tasks>()[0].tasks[0].arguments == text_value(big));
}

TEST_CASE("a worker's numbered batches stay in order") {
  session_pair pair;
  for (std::uint64_t i = 1; i <= 6; ++i)
    pair.send(done(i, i % 2 ? text_value(100'000 * i) : value{}));
  pair.run();
  auto got = pair.all<finished>();
  REQUIRE(got.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) CHECK(got[i].number == i + 1);
}

TEST_CASE("an assignment with a big argument holds up no other one") {
  session_pair pair;
  pair.send(worker_template{template_id{1}, {}});
  assign work;
  work.items = {assigned(0), assigned(1, text_value(huge)), assigned(2)};
  pair.send(work);
  pair.send(assign{{assigned(3)}});
  pair.run();
  CHECK(pair.order() == "worker_template assign assign assign");
  auto got = pair.all<assign>();
  REQUIRE(got[0].items.size() == 2);
  CHECK(got[0].items[1].task.index == 2);
  CHECK(got[1].items[0].task.index == 3);
  CHECK(got[2].items[0].task.index == 1);
}

TEST_CASE("recall and cancellation follow the assignment that they are about") {
  session_pair pair;
  pair.send(assign{{assigned(0), assigned(1, text_value(huge))}});
  pair.send(recall{{attempt(0), attempt(1)}});
  pair.send(cancel_attempts{{attempt(1)}, "why not"});
  pair.send(cancel_attempts{{attempt(0)}, "why not"});
  pair.run();
  CHECK(pair.order() == "assign recall cancel_attempts assign recall cancel_attempts");
  CHECK(pair.all<recall>()[0].items == std::vector<attempt_reference>{attempt(0)});
  CHECK(pair.all<recall>()[1].items == std::vector<attempt_reference>{attempt(1)});
  CHECK(pair.all<cancel_attempts>()[1].reason == "why not");
}

TEST_CASE("a long template comes before the assignments that use it") {
  session_pair pair;
  worker_template t{template_id{1}, {}};
  t.spec.command.stdin_data.assign(3 * big, 's');
  pair.send(t);
  pair.send(assign{{assigned(0), assigned(1, text_value(100'000))}});
  pair.run();
  CHECK(pair.order() == "worker_template assign assign");
  CHECK(pair.all<worker_template>()[0].spec == t.spec);
}

TEST_CASE("a job is finished after its results, and other jobs don't wait for them") {
  session_pair pair;
  pair.send(result_of(1, text_value(huge)));
  pair.send(result_of(2, value::of(2)));
  pair.send(job_finished{.key = 1, .job = job_id{1}});
  pair.send(job_finished{.key = 2, .job = job_id{2}});
  pair.run();
  CHECK(pair.order() == "results job_finished results job_finished");
  CHECK(pair.all<job_finished>()[0].job == job_id{2});
}

TEST_CASE("goodbye is the last message") {
  session_pair pair;
  pair.send(done(1, text_value(huge)));
  pair.send(response{1, {}, text_value(big)});
  pair.send(goodbye{"done"});
  pair.send(done(2));
  pair.send(heartbeat{});
  pair.run();
  // only what is sent after it may come after it
  CHECK(pair.order() == "heartbeat finished finished response goodbye");
}

TEST_CASE("requests and responses with big values hold up nothing") {
  session_pair pair;
  pair.send(request{1, "put", text_value(huge)});
  pair.send(request{2, "status", {}});
  pair.send(opened(1));
  pair.run();
  CHECK(pair.order() == "request open_job request");
  CHECK(pair.all<request>()[1].parameters == text_value(huge));
}

TEST_CASE("long batches are cut into several messages that mean the same") {
  session_pair pair;
  assign work;
  for (std::uint32_t i = 0; i < 100'000; ++i) work.items.push_back(assigned(i, value::of(i)));
  pair.send(work);
  add_tasks more;
  more.key = 1;
  more.position = 10;
  more.count = 100'000;
  for (int i = 0; i < 100'000; ++i) more.tasks.push_back({value::of(i), {}, {}, {}});
  pair.send(more);
  pair.run();
  std::vector<assignment> got;
  for (auto& m : pair.all<assign>())
    got.insert(got.end(), m.items.begin(), m.items.end());
  CHECK(testing::equal(got, work.items));
  std::uint32_t position = 10;
  for (auto& m : pair.all<add_tasks>()) {
    CHECK(m.position == position);
    CHECK(m.count == m.tasks.size());
    position += m.count;
  }
  CHECK(position == 100'010);
  CHECK(pair.largest <= 512u << 10);
}

TEST_CASE("a message that can't be cut goes in chunks and arrives whole") {
  session_pair pair;
  finished batch;
  batch.number = 4;
  for (std::uint32_t i = 0; i < 50'000; ++i)
    batch.items.push_back({task_id{job_id{1}, i}, 1, outcome::succeeded, duration{i}, {}, {}});
  batch.items[7].result = text_value(big);
  pair.send(batch);
  pair.send(done(5));
  pair.run();
  auto got = pair.all<finished>();
  REQUIRE(got.size() == 2);
  CHECK(testing::equal(got[0], batch));
  CHECK(got[1].number == 5);
  CHECK(pair.largest <= 256u << 10);
}

TEST_CASE("one task with very many inputs fits") {
  session_pair pair;
  assignment a = assigned(0);
  a.inputs = std::vector(200'000, value::of(std::string(20, 'i')));
  pair.send(assign{{a}});
  pair.run();
  REQUIRE(pair.all<assign>().size() == 1);
  CHECK(testing::equal(pair.all<assign>()[0].items[0], a));
}

TEST_CASE("one task with inputs that are each small and too much together fits") {
  session_pair pair;
  assignment a = assigned(0);
  a.inputs = std::vector(2'000, text_value(40'000));
  pair.send(assign{{a}});
  pair.send(assign{{assigned(1)}});
  pair.run();
  auto got = pair.all<assign>();
  REQUIRE(got.size() == 2);
  CHECK(testing::equal(got[0].items[0], a));
  CHECK(got[1].items[0].task.index == 1);
}

TEST_CASE("a value that looks like the name of a blob stays what it is") {
  session_pair pair;
  std::string lookalike{"\xd6\x02\x00\x00\x00\x01", 6};
  auto v = value::copy_of(wire::as_bytes(lookalike));
  pair.send(done(1, v));
  pair.run();
  CHECK(pair.all<finished>()[0].items[0].result == v);
}

TEST_CASE("pings are answered by the session; the answers are given out") {
  session_pair pair;
  pair.send(ping{17});
  pair.run();
  CHECK(pair.arrived.empty());
  REQUIRE(pair.returned.size() == 1);
  CHECK(std::get<pong>(pair.returned[0]).number == 17);
}

TEST_CASE("whatever the budgets and the moments, everything arrives once and in its lane's order") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    testing::generator random{seed};
    session_pair pair;
    std::uint64_t batches = 0, requests = 0, positions = 0;
    auto some = [&] {
      return random.below(6) == 0 ? text_value(random.below(random.below(4) == 0 ? huge : 300'000))
                                  : random.any_value();
    };
    for (int i = 0; i < 150; ++i) {
      switch (random.below(5)) {
        case 0: pair.send(done(++batches, some())); break;
        case 1: pair.send(request{++requests, "m", some()}); break;
        case 2: {
          auto m = adds(1, some());
          m.position = static_cast<std::uint32_t>(positions++);
          pair.send(m);
          break;
        }
        case 3: pair.step(random.below(400'000)); break;
        default: pair.step_back(random.below(1000)); break;
      }
    }
    pair.run(1 + random.below(300'000));
    INFO("seed " << seed);
    std::uint64_t number = 0, position = 0;
    for (auto& m : pair.all<finished>()) REQUIRE(m.number == ++number);
    for (auto& m : pair.all<add_tasks>()) REQUIRE(m.position == position++);
    REQUIRE(number == batches);
    REQUIRE(position == positions);
    std::vector<bool> seen(requests + 1);
    for (auto& m : pair.all<request>()) {
      REQUIRE(!seen[m.number]);
      seen[m.number] = true;
    }
    REQUIRE(pair.all<request>().size() == requests);
    REQUIRE(pair.left.queued_bytes() == 0);
    REQUIRE(pair.left.queued_blob_bytes() == 0);
    REQUIRE(pair.largest <= 1u << 20);
  }
}

TEST_CASE("split cuts what can be cut and leaves the rest alone") {
  recalled r;
  for (std::uint32_t i = 0; i < 5; ++i) r.items.push_back(attempt(i));
  for (std::uint32_t i = 5; i < 8; ++i) r.kept.push_back(attempt(i));
  auto pieces = split(r, 3);
  REQUIRE(pieces.size() == 3);
  CHECK(std::get<recalled>(pieces[1]).items.size() == 2);
  CHECK(std::get<recalled>(pieces[1]).kept.size() == 1);
  CHECK(std::get<recalled>(pieces[2]).kept.back() == attempt(7));
  CHECK(split(done(1), 1).size() == 1);
  CHECK(item_count(message{done(1)}) == 0);
  CHECK(split(cancel{job_id{1}, {}, "all"}, 1).size() == 1);
  auto cut = split(cancel{job_id{1}, {{0, 1}, {2, 3}, {4, 5}}, "some"}, 2);
  REQUIRE(cut.size() == 2);
  CHECK(std::get<cancel>(cut[1]).reason == "some");
  CHECK(std::get<cancel>(cut[1]).tasks == std::vector<index_range>{{4, 5}});
}
