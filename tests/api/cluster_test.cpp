// The C++ API against a cluster in this process: scheduler, autoscaler, manager, workers as threads.
#include <atomic>
#include <future>
#include <map>
#include <numeric>
#include <thread>

#include "tests/support/catch.hpp"
#include "troupe/troupe.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

int add(int a, int b) { return a + b; }
int square(int x) { return x * x; }
int sum(const std::vector<int>& xs) { return std::accumulate(xs.begin(), xs.end(), 0); }
int broken(int) { throw std::out_of_range("no such thing"); }
std::string big(std::size_t n) { return std::string(n, 'x'); }
void wait_for_stop(task_context& context) {
  while (true) {
    context.check_cancelled();
    std::this_thread::yield();
  }
}

const function_registry& functions() {
  static const function_registry all = [] {
    function_registry f;
    f.add("add", &add);
    f.add("square", &square);
    f.add("sum", &sum);
    f.add("broken", &broken);
    f.add("big", &big);
    f.add("wait_for_stop", &wait_for_stop);
    return f;
  }();
  return all;
}

// Of the answer to "jobs".
struct job_row {
  std::map<std::string, std::uint64_t> tasks;
  MSGPACK_DEFINE_MAP(tasks)
};
struct job_rows {
  std::vector<job_row> jobs;
  MSGPACK_DEFINE_MAP(jobs)
};

local_cluster make_cluster(std::uint32_t max = 2) {
  local_cluster_options o;
  o.max_workers = max;
  o.workers = local_cluster_options::workers_as::threads;
  o.functions = &functions();
  o.idle_timeout = 500ms;
  return local_cluster(o);
}

}  // namespace

TEST_CASE("a call comes back with its result") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  CHECK(client.submit<int>("add", 2, 3).get() == 5);
}

TEST_CASE("a map gives its results in the order of its arguments") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  std::vector<int> xs(20000);
  std::iota(xs.begin(), xs.end(), 0);
  auto squares = client.map<int>("square", xs).get();
  REQUIRE(squares.size() == xs.size());
  for (std::size_t i = 0; i < xs.size(); ++i) REQUIRE(squares[i] == xs[i] * xs[i]);
}

TEST_CASE("futures as arguments are dependencies") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  auto squares = client.map<int>("square", std::vector<int>{1, 2, 3, 4});
  auto total = client.submit<int>("sum", squares);
  CHECK(client.submit<int>("add", total, 12).get() == 42);
}

TEST_CASE("an exception is the task's error, with type and message") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  auto f = client.submit<int>("broken", 1);
  auto why = f.error();
  REQUIRE(why);
  CHECK(why->code == errc::task_error);
  CHECK(why->type == "std::out_of_range");
  CHECK(why->message == "no such thing");
  CHECK_THROWS_AS(f.get(), error);
}

TEST_CASE("a failed task fails its dependents with its id") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  auto bad = client.submit<int>("broken", 1);
  auto after = client.submit<int>("add", bad, 1);
  auto why = after.error();
  REQUIRE(why);
  CHECK(why->code == errc::dependency_failed);
  CHECK(why->message.find(to_string(bad.id())) != std::string::npos);
}

TEST_CASE("an unknown function is refused with the nearest names") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  auto why = client.submit<int>("squaer", 1).error();
  REQUIRE(why);
  CHECK(why->code == errc::unknown_function);
  CHECK(why->message.find("square") != std::string::npos);
}

TEST_CASE("a call that is refused leaves calls of other functions alone") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  std::vector<future<int>> good;
  for (int i = 0; i < 20; ++i) good.push_back(client.submit<int>("square", i));
  auto bad = client.submit<int>("squaer", 1);
  for (int i = 20; i < 40; ++i) good.push_back(client.submit<int>("square", i));
  CHECK(bad.error()->code == errc::unknown_function);
  for (int i = 0; i < 40; ++i) CHECK(good[static_cast<std::size_t>(i)].get() == i * i);
}

TEST_CASE("an input that is no longer kept fails the one call that wants it") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  auto other = cluster.client();
  auto kept = client.submit<int>("add", 1, 2);
  auto gone = client.submit<int>("square", 5);
  auto watched = other.watch(gone.id().job);
  REQUIRE(gone.get() == 25);
  gone = future<int>();  // nobody holds it: the cluster lets go of the result
  client.flush();
  auto before = client.submit<int>("add", kept, 1);
  auto without = client.submit_with<int>({}, "add", watched[0], 1);
  auto after = client.submit<int>("add", kept, 2);
  CHECK(before.get() == 4);
  CHECK(after.get() == 5);
  auto why = without.error();
  REQUIRE(why);
  CHECK(why->code == errc::result_lost);
  CHECK(why->message.find("whose result is no longer kept") != std::string::npos);
}

TEST_CASE("cancelling a running call stops it") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  auto f = client.submit<void>("wait_for_stop");
  CHECK_FALSE(f.wait_for(300ms));
  f.cancel();
  REQUIRE(f.wait_for(10s));
  CHECK(f.error()->code == errc::cancelled);
}

TEST_CASE("a call that takes too long times out") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  task_options options;
  options.timeout = 200ms;
  auto f = client.submit_with<void>(options, "wait_for_stop");
  REQUIRE(f.wait_for(10s));
  CHECK(f.error()->code == errc::timed_out);
}

TEST_CASE("a command gives its exit code and streams") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  exec_spec command;
  command.argv = {"sh", "-c", "echo out; echo err >&2"};
  auto r = client.exec(command).get();
  CHECK(r.exit_code == 0);
  CHECK(r.stdout_data == "out\n");
  CHECK(r.stderr_data == "err\n");
}

TEST_CASE("results larger than a frame come back whole") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  CHECK(client.submit<std::string>("big", std::size_t{5} << 20).get().size() == std::size_t{5} << 20);
}

TEST_CASE("as_completed hands out every future once") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  auto fs = client.map<int>("square", std::vector<int>{1, 2, 3, 4, 5});
  int total = 0;
  auto done = as_completed(fs);
  while (auto f = done.next()) total += f->get();
  CHECK(total == 55);
}

TEST_CASE("then runs when the task is over") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  std::promise<int> seen;
  client.submit<int>("add", 1, 1).then([&](const future<int>& f) { seen.set_value(f.get()); });
  CHECK(seen.get_future().get() == 2);
}

TEST_CASE("futures of a client that is closed fail") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  auto f = client.submit<void>("wait_for_stop");
  CHECK_FALSE(f.wait_for(200ms));
  client.close();
  REQUIRE(f.wait_for(10s));
  CHECK(f.error()->code == errc::unavailable);
}

TEST_CASE("what a client submits is not lost when the client goes at once") {
  auto cluster = make_cluster();
  auto witness = cluster.client();
  job_draft draft;
  draft.name = "passing";
  draft.count = 3;
  draft.want_results = false;
  draft.templates.resize(1);
  draft.templates[0].function = "square";  // without an argument: it fails soon
  for (int i = 0; i < 100; ++i) cluster.client().submit_job(draft);
  auto parameters = value::of(std::map<std::string, int>{{"limit", 1000}});
  auto jobs = witness.request("jobs", parameters).value().as<job_rows>().jobs;
  REQUIRE(jobs.size() == 100);
  for (const auto& j : jobs) {
    std::uint64_t tasks = 0;
    for (const auto& [state, n] : j.tasks) tasks += n;
    CHECK(tasks == 3);
  }
}

TEST_CASE("a job of tasks without arguments may begin at any index") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  job_draft draft;
  draft.first_index = 5;
  draft.count = 40;
  draft.templates.resize(1);
  draft.templates[0].kind = task_kind::exec;
  draft.templates[0].command.argv = {"sh", "-c", "echo $TROUPE_TASK_INDEX"};
  auto job = client.submit_job(draft);
  REQUIRE(job.wait_for(20s));
  CHECK(job.ended() == 40);
  CHECK(decode_exec_result(job[0].get())->stdout_data == "5\n");
  CHECK(decode_exec_result(job[39].get())->stdout_data == "44\n");
}

TEST_CASE("a watched job's ends arrive, before and after the watch began") {
  auto cluster = make_cluster();
  auto client = cluster.client();
  job_draft draft;
  draft.first_index = 1;
  draft.count = 40;
  draft.want_results = false;
  draft.templates.resize(1);
  draft.templates[0].kind = task_kind::exec;
  draft.templates[0].command.argv = {"sleep", "0.02"};
  auto id = client.submit_job(draft).id();
  auto early = client.watch(id, false);
  REQUIRE(early.wait_for(20s));
  CHECK(early.size() == 40);
  auto late = client.watch(id, false);
  REQUIRE(late.wait_for(20s));
  CHECK(late.ended() == 40);
  CHECK(late.failed() == 0);
}
