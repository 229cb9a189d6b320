#include "tests/worker/executor_world.hpp"

using namespace troupe;
using namespace troupe::worker;
using namespace std::chrono_literals;
using protocol::outcome;

namespace {

void with_host(executor_settings& s) { s.tasks.call_host = {TEST_HOST}; }

task_options isolated(std::uint64_t memory = 0) {
  task_options o;
  o.isolated = isolation::process;
  o.memory_limit = memory;
  return o;
}

std::string log_of(executor_world& w, task_index t, log_stream s) {
  return read_log(w.folder() / "logs", {job_id{7}, t}, s, 0, 10'000)->data;
}

}  // namespace

TEST_CASE("an isolated call runs in another process and returns its result") {
  executor_world w{2, with_host};
  auto sum = w.outcome(w.call("add", pack_arguments(20, 22), isolated()));
  REQUIRE(sum.outcome == outcome::succeeded);
  CHECK(sum.result.as<int>() == 42);
  auto pid = w.outcome(w.call("getpid", {}, isolated())).result.as<int>();
  CHECK(pid != getpid());
}

TEST_CASE("a process serves one isolated call after another") {
  executor_world w{1, with_host};
  auto first = w.outcome(w.call("getpid", {}, isolated())).result.as<int>();
  auto second = w.outcome(w.call("getpid", {}, isolated())).result.as<int>();
  CHECK(first == second);
}

TEST_CASE("a crash in an isolated call costs one task, which names the signal") {
  executor_world w{1, with_host};
  auto f = w.outcome(w.call("segfault", {}, isolated()));
  CHECK(f.outcome == outcome::failed);
  CHECK(f.error->code == errc::task_error);
  CHECK(f.error->message.find("the process of the call ") == 0);
  f = w.outcome(w.call("exit", pack_arguments(9), isolated()));
  CHECK(f.error->message == "the process of the call exited with code 9");
  CHECK(w.outcome(w.call("add", pack_arguments(1, 1), isolated())).result.as<int>() == 2);
}

TEST_CASE("errors, logs and output of an isolated call are its task's") {
  executor_world w{1, with_host};
  auto thrown = w.outcome(w.call("throw", {}, isolated()));
  CHECK(thrown.error->type == "std::runtime_error");
  CHECK(thrown.error->message == "no luck");
  auto t = w.call("log_and_progress", {}, isolated());
  auto scratch = w.outcome(t).result.as<std::string>();
  CHECK_FALSE(std::filesystem::exists(scratch));
  CHECK(log_of(w, t, log_stream::err).find(" warning a word\n") != std::string::npos);
  for (std::string word : {"one", "two"}) {
    auto p = w.call("print", pack_arguments(word), isolated());
    w.outcome(p);
    CHECK(log_of(w, p, log_stream::out) == word + "\n");
  }
}

TEST_CASE("large arguments and results pass through unharmed") {
  executor_world w{1, with_host};
  std::vector<char> bytes(20'000'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  auto f = w.outcome(w.call("echo", pack_arguments(bytes), isolated()));
  REQUIRE(f.outcome == outcome::succeeded);
  CHECK(f.result.as<std::vector<char>>() == bytes);
}

TEST_CASE("an isolated call that ignores its stop request is killed after the grace") {
  executor_world w{1, with_host};
  auto t = w.call("ignore_stop", pack_arguments(std::string{"/never"}), isolated());
  REQUIRE(eventually([&] { return w.has_started(t); }));
  w.exec().cancel({{w.ref(t)}, "enough"});
  CHECK(w.outcome(t).outcome == outcome::cancelled);
  CHECK_FALSE(w.is_stuck(t));
}

TEST_CASE("an isolated call hears that it should stop") {
  executor_world w{1, [](executor_settings& s) {
                     with_host(s);
                     s.core.cancel_grace = 60s;
                   }};
  task_options o = isolated();
  o.timeout = 50ms;
  auto f = w.outcome(w.call("wait_for_stop", {}, o));
  CHECK(f.error->code == errc::timed_out);
}

TEST_CASE("an isolated call that is stopped before its request is sent hears of it, too") {
  temporary_folder folder;
  task_settings s;
  s.call_host = {TEST_HOST};
  s.log_dir = s.scratch = folder.path;
  s.cancel_grace = 60s;
  task_environment environment{s};
  isolated_calls calls{s, environment};
  task_spec spec;
  spec.function = "wait_for_stop";
  spec.options = isolated();
  assigned_resources nothing;
  start_order order;
  order.task = {job_id{7}, 0};
  order.attempt = 1;
  order.spec = &spec;
  order.resources = &nothing;
  struct : progress_sink {
    void progress(double, std::string_view) override {}
  } sink;
  stop_control stop;
  stop.request(stop_reason::cancelled);
  auto begun = clock::now();
  CHECK_FALSE(calls.run(order, {}, stop, sink));
  CHECK(clock::now() - begun < 30s);  // not by the kill after the grace
}

TEST_CASE("a memory limit holds for one isolated call") {
  executor_world w{1, with_host};
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need all the memory
  auto f = w.outcome(w.call("eat_memory", pack_arguments(std::uint64_t{400} << 20),
                            isolated(std::uint64_t{100} << 20)));
  CHECK(f.outcome == outcome::failed);
  CHECK(f.error->code == errc::task_error);
  INFO(f.error->message);
  CHECK((f.error->message.find("memory limit of 100MiB") != std::string::npos ||
         f.error->type == "std::bad_alloc"));
#endif
  CHECK(w.outcome(w.call("eat_memory", pack_arguments(std::uint64_t{200} << 20), isolated()))
            .outcome == outcome::succeeded);
}

TEST_CASE("what an isolated call leaves running ends with it") {
  executor_world w{1, with_host};
  auto pid = w.outcome(w.call("getpid", {}, isolated())).result.as<int>();
  auto f = w.outcome(w.call("leave_child", pack_arguments(std::string{"m"}), isolated()));
  CHECK(f.outcome == outcome::succeeded);
  CHECK(w.outcome(w.call("getpid", {}, isolated())).result.as<int>() != pid);
}

TEST_CASE("an isolated call sees its devices") {
  executor_world w{1, [](executor_settings& s) {
                     with_host(s);
                     s.core.resources = {{"cpus", 1}, {"GPU", 2}};
                     s.core.indexed = {"GPU"};
                   }};
  auto o = isolated();
  o.resources = {{"GPU", 1}};
  auto f = w.outcome(w.call("getenv", pack_arguments(std::string{"CUDA_VISIBLE_DEVICES"}), o));
  CHECK(f.result.as<std::string>() == "0");
  CHECK(w.outcome(w.call("indexes", {}, o)).result.as<std::vector<std::uint32_t>>() ==
        std::vector<std::uint32_t>{0});
}

TEST_CASE("a host that cannot start, or none, fails the task with the reason") {
  executor_world none{1};
  auto f = none.outcome(none.call("noop", {}, isolated()));
  CHECK(f.error->code == errc::invalid_argument);
  executor_world broken{1, [](executor_settings& s) { s.tasks.call_host = {"/bin/false"}; }};
  f = broken.outcome(broken.call("noop", {}, isolated()));
  CHECK(f.error->message ==
        "the process of the call exited with code 1 before it could begin; see the task's log");
}

TEST_CASE("a host that died between calls is replaced without a failure") {
  executor_world w{1, with_host};
  for (int i = 0; i < 5; ++i) {
    auto f = w.outcome(w.call("getpid", {}, isolated()));
    REQUIRE(f.outcome == outcome::succeeded);
    ::kill(f.result.as<int>(), SIGKILL);
  }
}
