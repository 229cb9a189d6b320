#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/worker/executor_world.hpp"
#include "tests/worker/process_marks.hpp"

using namespace troupe;
using namespace troupe::worker;
using namespace std::chrono_literals;
using protocol::outcome;

namespace {

exec_result success(const protocol::finished_task& f) {
  INFO((f.error ? to_string(*f.error) : std::string{}));
  REQUIRE(f.outcome == outcome::succeeded);
  return decode_exec_result(f.result).value();
}

failure failure_of(const protocol::finished_task& f) {
  REQUIRE(f.outcome != outcome::succeeded);
  REQUIRE(f.error);
  return *f.error;
}

bool contains(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a command that exits with 0 succeeds with what it wrote") {
  executor_world w;
  auto r = success(w.outcome(w.shell("echo to out; echo to err >&2")));
  CHECK(r.exit_code == 0);
  CHECK(r.signal == 0);
  CHECK(r.stdout_data == "to out\n");
  CHECK(r.stderr_data == "to err\n");
  CHECK_FALSE(r.truncated);
}

TEST_CASE("any other exit code is the task's error, with the end of stderr") {
  executor_world w;
  auto f = failure_of(w.outcome(w.shell("seq 1 100 >&2; echo the reason >&2; exit 3")));
  CHECK(f.code == errc::task_error);
  CHECK(contains(f.message, "exited with code 3: 92\n"));
  CHECK(contains(f.message, "the reason"));
}

TEST_CASE("a command ended by a signal says which") {
  executor_world w;
  auto f = failure_of(w.outcome(w.shell("kill -SEGV $$")));
  CHECK(f.code == errc::task_error);
  CHECK(f.message == "was killed by signal 11 (SIGSEGV)");
}

TEST_CASE("a missing program is named, with where it was looked for") {
  executor_world w;
  auto f = failure_of(w.outcome(w.command({{"no-such-program"}, {{"PATH", "/bin:/opt"}}, {}, {}})));
  CHECK(f.code == errc::task_error);
  CHECK(f.message == "cannot run \"no-such-program\": no such program in PATH (/bin:/opt)");
  f = failure_of(w.outcome(w.command({{"/no/such"}, {}, {}, {}})));
  CHECK(contains(f.message, "cannot run \"/no/such\": no such file"));
}

TEST_CASE("a missing working folder is named") {
  executor_world w;
  auto f = failure_of(w.outcome(w.command({{"true"}, {}, "/no/such/folder", {}})));
  CHECK(f.code == errc::task_error);
  CHECK(f.message == "the working folder \"/no/such/folder\" does not exist");
}

TEST_CASE("a program that may not be run, or is none, is named with the reason") {
  executor_world w;
  auto plain = (w.folder() / "plain").string();
  std::ofstream{plain} << "not a program\n";
  auto f = failure_of(w.outcome(w.command({{plain}, {}, {}, {}})));
  CHECK(contains(f.message, plain + "\": Permission denied"));
  ::chmod(plain.c_str(), 0755);
  f = failure_of(w.outcome(w.command({{plain}, {}, {}, {}})));
  CHECK(contains(f.message, "not a program, nor a script with a #! line"));
}

TEST_CASE("an empty command and zero bytes are refused") {
  executor_world w;
  CHECK(failure_of(w.outcome(w.command({}))).code == errc::invalid_argument);
  auto f = failure_of(w.outcome(w.command({{"echo", std::string("a\0b", 3)}, {}, {}, {}})));
  CHECK(f.code == errc::invalid_argument);
}

TEST_CASE("a command gets its input, then end of file") {
  executor_world w;
  CHECK(success(w.outcome(w.command({{"cat"}, {}, {}, "some input"}))).stdout_data == "some input");
  CHECK(success(w.outcome(w.command({{"cat"}, {}, {}, {}}))).stdout_data.empty());
  std::string large(3'000'000, 'x');
  auto counted = success(w.outcome(w.command({{"wc", "-c"}, {}, {}, large})));
  CHECK(counted.stdout_data == "3000000\n");
}

TEST_CASE("output of 100 MB is in the log, its first 64 KiB in the result") {
  executor_world w;
  auto t = w.shell("head -c 100000000 /dev/zero");
  auto r = success(w.outcome(t));
  CHECK(r.stdout_data.size() == 65536);
  CHECK(r.truncated);
  CHECK(std::filesystem::file_size(w.folder() / "logs/7" / (std::to_string(t) + ".out")) ==
        100'000'000);
}

TEST_CASE("output is kept byte by byte") {
  executor_world w;
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  auto r = success(w.outcome(w.command({{"cat"}, {}, {}, all})));
  CHECK(r.stdout_data == all);
}

TEST_CASE("a log is readable while its command runs; a silent command leaves none") {
  executor_world w;
  auto t = w.shell("echo first; while [ ! -e " + (w.folder() / "go").string() +
                   " ]; do sleep 0.01; done; echo second");
  auto read = [&] {
    return read_log(w.folder() / "logs", {job_id{7}, t}, log_stream::out, 0, 1000)->data;
  };
  CHECK(eventually([&] { return read() == "first\n"; }));
  std::ofstream{w.folder() / "go"} << "x";
  CHECK(success(w.outcome(t)).stdout_data == "first\nsecond\n");
  w.outcome(w.shell("true"));
  CHECK_FALSE(std::filesystem::exists(w.folder() / "logs/7/1.out"));
}

TEST_CASE("a later attempt appends to the log; its result has only its own output") {
  executor_world w;
  task_spec s;
  s.kind = task_kind::exec;
  s.command.argv = {"/bin/sh", "-c", "echo attempt $TROUPE_ATTEMPT"};
  auto t = w.give(s, {});
  w.outcome(t);
  w.exec().assign({{{task_id{job_id{7}, t}, 2, template_id{t + 1}, {}, {}, false}}});
  protocol::finished_task f;
  CHECK(eventually([&] { return (f = w.outcome(t)).attempt == 2; }));
  CHECK(success(f).stdout_data == "attempt 2\n");
  auto log = read_log(w.folder() / "logs", {job_id{7}, t}, log_stream::out, 0, 1000);
  CHECK(log->data == "attempt 1\nattempt 2\n");
}

TEST_CASE("a command knows its task, and what its submitter and the cluster told it") {
  executor_world w;
  auto r = success(w.outcome(w.command(
      {{"/bin/sh", "-c",
        "echo $TROUPE_JOB_ID $TROUPE_TASK_ID $TROUPE_TASK_INDEX $TROUPE_ATTEMPT $TROUPE_ADDRESS "
        "$MINE; pwd"},
       {{"MINE", "and mine"}, {"TROUPE_JOB_ID", "a lie"}}, {}, {}})));
  CHECK(r.stdout_data == "7 7.0 0 1 127.0.0.1:7400 and mine\n" +
                             std::filesystem::canonical(w.folder() / "scratch").string() + "\n");
}

TEST_CASE("{} stands for the task's entry, everywhere in the command") {
  executor_world w;
  auto entry = value::of(std::map<std::string, std::string>{{"entry", "a b"}});
  auto r = success(w.outcome(
      w.command({{"/bin/sh", "-c", "echo \"$0\" \"$X\" \"$TROUPE_ENTRY\"; cat", "<{}{}>"},
                 {{"X", "x{}"}}, {}, "in {}"}, {}, entry)));
  CHECK(r.stdout_data == "<a ba b> xa b a b\nin a b");
}

TEST_CASE("a command sees the devices it holds, and no others") {
  executor_world w{2, [](executor_settings& s) {
                     s.core.resources = {{"cpus", 2}, {"GPU", 2}};
                     s.core.indexed = {"GPU"};
                   }};
  task_options o;
  o.resources = {{"GPU", 2}};
  CHECK(success(w.outcome(w.shell("echo $CUDA_VISIBLE_DEVICES", o))).stdout_data == "0,1\n");
  CHECK(success(w.outcome(w.shell("echo ${CUDA_VISIBLE_DEVICES-unset}"))).stdout_data == "\n");
}

TEST_CASE("a command inherits no descriptors, no blocked and no ignored signals") {
  executor_world w;
  ::signal(SIGPIPE, SIG_IGN);
  auto r = success(w.outcome(w.shell("ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status")));
  ::signal(SIGPIPE, SIG_DFL);
  // ls itself opens the folder: 3.
  CHECK(r.stdout_data ==
        "0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a command over its time limit is terminated, and may say goodbye") {
  executor_world w;
  task_options o;
  o.timeout = 100ms;
  auto t = w.shell("trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done", o);
  auto f = failure_of(w.outcome(t));
  CHECK(f.code == errc::timed_out);
  CHECK(f.message == "ran longer than its time limit of 100ms");
  CHECK(read_log(w.folder() / "logs", {job_id{7}, t}, log_stream::out, 0, 100)->data == "bye\n");
}

TEST_CASE("cancelling ends a whole tree that ignores SIGTERM") {
  executor_world w;
  auto mark = unique_mark("tree");
  auto t = w.shell("trap '' TERM; (trap '' TERM; (trap '' TERM; sh -c 'while :; do sleep 0.05; "
                   "done' " + mark + "-c) & sh -c 'while :; do sleep 0.05; done' " + mark +
                   "-b) & echo up; while :; do sleep 0.05; done; : " + mark);
  REQUIRE(eventually([&] { return lives(mark + "-b") && lives(mark + "-c"); }));
  auto begin = clock::now();
  w.exec().cancel({{w.ref(t)}, "enough"});
  auto f = w.outcome(t);
  CHECK(f.outcome == outcome::cancelled);
  CHECK(clock::now() - begin >= 200ms);  // the grace was given
  CHECK_FALSE(lives(mark));
}

TEST_CASE("what a command leaves in its group when it ends is killed") {
  executor_world w;
  auto mark = unique_mark("left");
  success(w.outcome(w.shell("sh -c 'while :; do sleep 0.05; done' " + mark + " &")));
  CHECK_FALSE(lives(mark));
}

TEST_CASE("a command over its memory limit is ended and the limit is named where it is known") {
  executor_world w;
  task_options o;
  o.memory_limit = std::uint64_t{64} << 20;
  auto f = failure_of(w.outcome(
      w.shell("x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x}", o)));
  CHECK(f.code == errc::task_error);
  // In a control group it is killed; under an rlimit the shell itself gives up, or crashes.
  INFO(f.message);
  CHECK((contains(f.message, "memory limit of 64MiB") || contains(f.message, "exited with code")));
}

TEST_CASE("the streams' logs cannot be opened: the task fails with the reason") {
  executor_world w;
  std::ofstream{w.folder() / "logs/7"} << "in the way";
  auto f = failure_of(w.outcome(w.shell("true")));
  CHECK(f.code == errc::io);
  CHECK(contains(f.message, "cannot open the log"));
}
