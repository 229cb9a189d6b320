// What is special about instances that are processes.
#include "providers/local/local_provider.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <map>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "providers/local/processes.hpp"
#include "tests/providers/provider_rig.hpp"
#include "tests/support/catch.hpp"

namespace troupe::providers::test {

namespace {

// Each test's cluster has an id of its own: they may run side by side.
std::string unique_cluster() {
  static int n = 0;
  return "test-" + std::to_string(::getpid()) + "-" + std::to_string(++n);
}

struct local_rig {
  local_rig() { restart(); }
  ~local_rig() {
    if (!p) restart();
    end_all(*p);
    kill_trees(cluster, tags(), 2s);
  }

  void restart() {
    p.reset();
    local_settings s;
    s.cluster = cluster;
    s.log_folder = folder.path / "instances";
    s.stop_grace = grace;
    s.kept_logs = 3;
    s.max_log_bytes = 10'000;
    p = make_local_provider(s);
    p->on_end([e = ends](const instance_end& x) { e.add(x); });
  }

  std::vector<launch_outcome> launch(const worker_command& command, int n = 1) {
    launch_request r;
    r.cluster = cluster;
    r.pool = "here";
    r.command = command;
    for (int i = 0; i < n; ++i) {
      const auto id = "here.1." + std::to_string(++launches);
      r.items.push_back({id, id + ":secret"});
    }
    collected<answer<launched>> answers;
    p->launch(r, deadline(), [answers](auto a) { answers.add(std::move(a)); });
    REQUIRE(wait_for([&] { return answers.size() == 1; }));
    REQUIRE(answers.all().front());
    return answers.all().front()->outcomes;
  }
  std::vector<instance> list() {
    collected<answer<std::vector<instance>>> answers;
    p->list(deadline(), [answers](auto a) { answers.add(std::move(a)); });
    REQUIRE(wait_for([&] { return answers.size() == 1; }));
    return answers.all().front().value();
  }
  void terminate(std::vector<instance_id> ids) {
    p->terminate(std::move(ids), deadline(), [](auto) {});
  }
  instance_end next_end(std::size_t n = 1) {
    REQUIRE(wait_for([&] { return ends.size() >= n; }));
    return ends.all()[n - 1];
  }
  std::map<request_id, pid_t> tags() const {
    std::map<request_id, pid_t> all;
    for (const auto& x : scan_processes(cluster))
      if (!x.request.empty()) all.emplace(x.request, 0);
    return all;
  }
  // Of this cluster and still tagged as such.
  std::size_t running() const {
    const auto all = scan_processes(cluster);
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const auto& x) { return !x.request.empty(); }));
  }
  bool anything_left() const { return !tags().empty(); }
  std::string file(const std::string& name) const {
    std::ifstream in(folder.path / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string cluster = unique_cluster();
  duration grace = 200ms;
  temporary_folder folder;
  int launches = 0;
  collected<instance_end> ends;
  std::unique_ptr<provider> p;
};

bool exists(std::uint32_t pid) {
  return ::kill(static_cast<pid_t>(pid), 0) == 0;
}

}  // namespace

TEST_CASE("the reason of an end has the exit status and the last lines of stderr") {
  local_rig r;
  r.launch(shell("echo starting; echo 'no module named x' >&2; exit 3"));
  auto e = r.next_end();
  CHECK(e.exit_code == 3);
  CHECK_FALSE(e.expected);
  CHECK(describe(e) == "exited with status 3; its last output:\nstarting\nno module named x");
}

TEST_CASE("a signal that ended an instance is named") {
  local_rig r;
  r.launch(shell("kill -SEGV $$"));
  auto e = r.next_end();
  CHECK(e.signal == SIGSEGV);
  CHECK(e.reason == "killed by signal 11 (SIGSEGV)");
}

TEST_CASE("last lines are few, short, printable, and keep the token secret") {
  local_rig r;
  r.launch(
      shell("i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); done; "
            "printf 'bell \\007 latin \\351\\n' >&2; echo $TROUPE_LAUNCH_TOKEN >&2; exit 1"));
  auto text = r.next_end().last_lines;
  CHECK(text.size() <= 4096);
  CHECK(std::count(text.begin(), text.end(), '\n') == 19);
  CHECK(text.find("line 499\nbell ? latin ?\n") != std::string::npos);
  CHECK(text.find("secret") == std::string::npos);
}

TEST_CASE("one endless line is cut") {
  local_rig r;
  r.launch(shell("head -c 100000 /dev/zero | tr '\\0' x; exit 1"));
  CHECK(r.next_end().last_lines == std::string(4096, 'x'));
}

TEST_CASE("a missing program is an invalid request, in words") {
  local_rig r;
  auto o = r.launch({{"/no/such/program"}, {}, {}});
  REQUIRE_FALSE(o[0].result);
  CHECK(o[0].result.error().kind == failure_class::invalid_request);
  CHECK(o[0].result.error().message == "can't start /no/such/program: No such file or directory");
}

TEST_CASE("a missing working directory is named") {
  local_rig r;
  auto command = sleeping_program();
  command.working_directory = "/no/such/folder";
  auto o = r.launch(command);
  REQUIRE_FALSE(o[0].result);
  CHECK(o[0].result.error().message.find("in /no/such/folder") != std::string::npos);
}

TEST_CASE("an instance knows who it is, and its token is not in its arguments") {
  local_rig r;
  auto command = shell(
      "echo $TROUPE_CLUSTER $TROUPE_POOL $TROUPE_INSTANCE $TROUPE_LAUNCH_TOKEN "
      "$EXTRA > $OUT; sed 's/\\x0/ /g' /proc/$$/cmdline > $OUT.args; exit 0");
  command.env = {{"EXTRA", "more"}, {"OUT", (r.folder.path / "out").string()}};
  r.launch(command);
  CHECK(r.next_end().exit_code == 0);
  CHECK(r.file("out") == r.cluster + " here here.1.1 here.1.1:secret more\n");
  CHECK(r.file("out.args").find("secret") == std::string::npos);
}

TEST_CASE("an instance leads a session of its own and inherits no files") {
  local_rig r;
  const auto secret = r.folder.path / "secret";
  const int leak = ::open(secret.c_str(), O_RDWR | O_CREAT, 0600);  // without close-on-exec
  auto o = r.launch(sleeping_program());
  ::close(leak);
  const auto pid = static_cast<pid_t>(o[0].result->pid);
  CHECK(::getsid(pid) == pid);
  std::error_code gone;
  for (const auto& fd :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone))
    CHECK(std::filesystem::read_symlink(fd, gone) != secret);
}

TEST_CASE("a tree that ignores SIGTERM is gone after the grace") {
  local_rig r;
  const auto ready = (r.folder.path / "ready").string();
  r.launch(
      shell("trap '' TERM; (trap '' TERM; setsid sleep 1000) & "
            "(trap '' TERM; env -i sleep 1000) & touch " + ready + "; while :; do sleep 0.02; done"));
  REQUIRE(wait_for([&] { return std::filesystem::exists(ready); }));
  r.terminate({"here.1.1"});
  auto e = r.next_end();
  CHECK(e.expected);
  CHECK(e.reason == "killed by signal 9 (SIGKILL)");
  CHECK_FALSE(r.anything_left());
}

TEST_CASE("what an instance leaves behind is ended before its end is told") {
  local_rig r;
  r.launch(shell("setsid sleep 1000 & setsid sleep 1000 & sleep 0.1; kill -KILL $$"));
  r.next_end();
  CHECK_FALSE(r.anything_left());
}

TEST_CASE("what gave up its tags but not its session is found when the leader died first") {
  local_rig r;
  const auto pid_file = r.folder.path / "pid";
  r.launch(shell("env -i sleep 1000 & echo $! > " + pid_file.string() + "; sleep 0.1; kill -KILL $$"));
  r.next_end();
  std::uint32_t pid = 0;
  std::ifstream{pid_file} >> pid;
  REQUIRE(pid != 0);
  CHECK(wait_for([&] { return !exists(pid); }));
}

TEST_CASE("instances outlive the provider and are found and ended by the next") {
  local_rig r;
  auto o = r.launch(sleeping_program(), 2);
  r.restart();
  auto found = r.list();
  REQUIRE(found.size() == 2);
  CHECK(found[0].id == o[0].result->id);
  CHECK(found[0].pid == o[0].result->pid);
  CHECK(found[0].pool == "here");
  r.terminate({found[0].id, found[1].id});
  r.next_end(2);
  CHECK_FALSE(r.anything_left());
}

TEST_CASE("the tasks of an instance are no instances") {
  local_rig r;
  r.launch(shell("setsid sleep 1000 & sleep 1000 & wait"));
  REQUIRE(wait_for([&] { return r.running() >= 3; }));
  r.restart();
  CHECK(r.list().size() == 1);
}

TEST_CASE("what another cluster started is neither listed nor touched") {
  local_rig a, b;
  auto o = b.launch(sleeping_program());
  CHECK(a.list().empty());
  a.terminate({o[0].result->id});
  CHECK(a.list().empty());
  CHECK(b.list().size() == 1);
  CHECK(exists(o[0].result->pid));
}

TEST_CASE("two pools of one cluster in one head do not take each other's ends") {
  local_rig a, b;
  b.cluster = a.cluster;
  b.restart();
  for (int i = 0; i < 5; ++i) {
    a.launch(shell("sleep 0.05; exit 7"));
    CHECK(b.list().empty());
    CHECK(a.next_end(static_cast<std::size_t>(i) + 1).exit_code == 7);
  }
  CHECK(b.ends.size() == 0);
}

TEST_CASE("what an earlier head left is found by every pool's provider, whoever looks first") {
  local_rig a, b;
  b.cluster = a.cluster;
  a.launch(sleeping_program());
  a.restart();
  b.restart();
  CHECK(b.list().size() == 1);
  REQUIRE(a.list().size() == 1);
  a.terminate({"here.1.1"});
  CHECK(a.next_end().expected);
  REQUIRE(wait_for([&] { return b.list().empty(); }));
}

TEST_CASE("ended instances leave no zombies") {
  local_rig r;
  auto o = r.launch(shell("exit 0"), 20);
  r.next_end(20);
  for (const auto& x : o) CHECK_FALSE(exists(x.result->pid));
}

TEST_CASE("output is bounded on disk: while running, and by the number of logs kept") {
  local_rig r;
  r.launch(shell("trap 'exit 0' TERM; head -c 50000 /dev/zero; while :; do sleep 0.02; done"));
  const auto log = r.folder.path / "instances" / "here.1.1.log";
  REQUIRE(wait_for([&] { return std::filesystem::file_size(log) == 50'000; }));
  CHECK((std::filesystem::status(log).permissions() & std::filesystem::perms::others_all) ==
        std::filesystem::perms::none);
  r.list();
  CHECK(std::filesystem::file_size(log) == 0);
  r.launch(shell("exit 1"), 10);
  r.next_end(10);
  std::size_t logs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(r.folder.path / "instances"))
    logs += entry.path() != log;
  CHECK(logs == 3);
}

}  // namespace troupe::providers::test
