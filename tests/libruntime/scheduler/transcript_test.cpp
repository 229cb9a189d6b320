// Transcripts: files of commands and of what the core answers to each. They read as stories of how
// it behaves; TROUPE_REWRITE=1 writes them anew from what it does now, for review in the diff.
//
//   COMMAND [arguments]
//   ----
//   one line an action
//   (an empty line)
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/libruntime/scheduler/rig.hpp"

#ifndef TROUPE_TRANSCRIPTS
#error "TROUPE_TRANSCRIPTS names their folder"
#endif

namespace troupe::scheduler::testing {
namespace {

std::string attempts(const std::vector<protocol::attempt_reference>& items) {
  std::string out;
  for (const auto& i : items) out += ' ' + to_string(i.task) + '#' + std::to_string(i.attempt);
  return out;
}

struct printer {
  std::string out;

  void line(const std::string& text) { out += text + '\n'; }
  void operator()(const to_client& a) {
    auto to = "client " + std::to_string(a.client.value) + ": ";
    std::visit([&](const auto& m) { client(to, m); }, a.message);
  }
  void client(const std::string& to, const protocol::job_opened& m) {
    line(to + "job " + std::to_string(m.job.value) + " opened");
  }
  void client(const std::string& to, const protocol::job_refused& m) {
    line(to + "refused: " + to_string(m.why));
  }
  void client(const std::string&, const protocol::submit_credit&) {}
  void client(const std::string& to, const protocol::results& m) {
    static constexpr const char* names[] = {"succeeded", "failed", "cancelled"};
    for (const auto& r : m.items)
      line(to + to_string(task_id{m.job, r.index}) + ' ' + names[static_cast<int>(r.outcome)] +
           (r.error ? ": " + r.error->message : ""));
  }
  void client(const std::string& to, const protocol::job_finished& m) {
    line(to + "job " + std::to_string(m.job.value) + " finished: " + std::to_string(m.succeeded) +
         " succeeded, " + std::to_string(m.failed) + " failed, " + std::to_string(m.cancelled) +
         " cancelled");
  }
  void operator()(const to_worker& a) {
    auto to = "w" + std::to_string(a.worker.value) + ": ";
    std::visit([&](const auto& m) { worker(to, m); }, a.message);
  }
  void worker(const std::string& to, const protocol::worker_template& m) {
    line(to + "template " + std::to_string(m.id.value) + " is " + function_key(m.spec));
  }
  void worker(const std::string& to, const protocol::assign& m) {
    std::string text = to + "run";
    for (const auto& i : m.items)
      text += ' ' + to_string(i.task) + '#' + std::to_string(i.attempt) + (i.exclusive ? " alone" : "");
    line(text);
  }
  void worker(const std::string& to, const protocol::recall& m) {
    line(to + "give back" + attempts(m.items));
  }
  void worker(const std::string& to, const protocol::cancel_attempts& m) {
    line(to + "end" + attempts(m.items) + ", because: " + m.reason);
  }
  void worker(const std::string&, const protocol::ack&) {}
  void worker(const std::string& to, const protocol::drain& m) { line(to + "drain: " + m.reason); }
  void operator()(const drain_complete& a) {
    line("w" + std::to_string(a.worker.value) + " is empty and may be stopped");
  }
  void operator()(const worker_lease_expired& a) {
    line("w" + std::to_string(a.worker.value) + " is given up");
  }
  void operator()(const demand_unmet&) { line("more workers are wanted"); }
  void operator()(const spill_result& a) { line(to_string(a.task) + "'s result goes to disk"); }
  void operator()(const publish_events&) {}
  void operator()(const wake_at&) {}
};

class interpreter {
 public:
  std::string run(const std::string& command) {
    std::istringstream words(command);
    words >> verb_;
    arguments_.clear();
    named_.clear();
    for (std::string w; words >> w;) {
      auto equals = w.find('=');
      if (equals == std::string::npos)
        arguments_.push_back(w);
      else
        named_[w.substr(0, equals)] = w.substr(equals + 1);
    }
    rig_.actions.clear();
    said_.clear();
    act();
    if (!said_.empty()) return said_;
    printer p;
    for (const auto& a : rig_.actions) std::visit(p, a);
    return p.out.empty() ? "nothing\n" : p.out;
  }

 private:
  std::uint32_t number(std::size_t i) const {
    return static_cast<std::uint32_t>(std::stoul(arguments_.at(i)));
  }
  std::uint32_t named(const std::string& name, std::uint32_t otherwise) const {
    auto i = named_.find(name);
    return i == named_.end() ? otherwise : static_cast<std::uint32_t>(std::stoul(i->second));
  }
  task_id task_at(std::size_t i) const { return *parse_task_id(arguments_.at(i)); }
  duration run_time() const { return milliseconds{named("ms", 10)}; }

  void act() {
    if (verb_ == "worker") return rig_.worker(number(0), {.slots = named("slots", 1)});
    if (verb_ == "rejoin") return rejoin();
    if (verb_ == "submit") return submit();
    if (verb_ == "started") return rig_.started(task_at(0));
    if (verb_ == "finish") return rig_.finish(task_at(0), {}, run_time());
    if (verb_ == "finish-all") return rig_.finish_all(number(0), run_time());
    if (verb_ == "fail") return rig_.fail(task_at(0), arguments_.at(1));
    if (verb_ == "ended") return rig_.ended_cancelled(task_at(0));
    if (verb_ == "gives-back") return rig_.give_back(number(0));
    if (verb_ == "dies") return rig_.die(number(0), "killed by signal 9", named("deliberate", 0) != 0);
    if (verb_ == "disconnects") return rig_.disconnect(number(0));
    if (verb_ == "drain") return rig_.send(drain_worker{worker_id{number(0)}, true, "scale-in"});
    if (verb_ == "cancel") return rig_.cancel(job_id{number(0)});
    if (verb_ == "heartbeat")
      return rig_.send(from_worker{worker_id{number(0)}, protocol::heartbeat{}});
    if (verb_ == "passes") return rig_.tick(seconds{number(0)});
    if (verb_ == "why") return say(rig_.why(task_at(0)));
    FAIL("unknown command " << verb_);
  }
  void say(const std::string& text) { said_ = text + '\n'; }
  // Opens, fills and closes a job; what is printed is the answer to the closing or the filling.
  void submit() {
    auto key = next_key_++;
    task_options o;
    o.priority = static_cast<std::int32_t>(named("priority", 0));
    o.retries = static_cast<std::uint16_t>(named("retries", 0));
    o.retry_delay = seconds{named("delay", 0)};
    rig_.open(key);
    rig_.define(key, 0, call(arguments_.at(0), o));
    rig_.add(key, named("n", 1));
    auto answer = rig_.actions;
    rig_.close(key);
    rig_.actions.insert(rig_.actions.begin(), answer.begin(), answer.end());
  }
  void rejoin() {
    std::vector<protocol::held_task> held;
    for (std::size_t i = 1; i < arguments_.size(); ++i) {
      auto t = task_at(i);
      held.push_back({t, rig_.workers[number(0)].at(t).attempt, i == 1});
    }
    rig_.worker(number(0), {.slots = named("slots", 1), .held = held});
  }

  rig rig_;
  std::string verb_, said_;
  std::vector<std::string> arguments_;
  std::map<std::string, std::string> named_;
  std::uint64_t next_key_ = 1;
};

std::string replay(const std::string& text) {
  interpreter run;
  std::istringstream in(text);
  std::string out, line;
  bool answer = false;
  while (std::getline(in, line)) {
    if (answer) {
      answer = !line.empty();
      continue;
    }
    if (line.empty() || line[0] == '#') {
      out += line + '\n';
      continue;
    }
    out += line + "\n----\n" + run.run(line) + '\n';
    std::getline(in, line);  // the dashes
    answer = true;
  }
  return out;
}

void check(const std::string& name) {
  auto path = std::string{TROUPE_TRANSCRIPTS} + '/' + name;
  std::ifstream file(path);
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  auto now = replay(text.str());
  if (std::getenv("TROUPE_REWRITE")) {
    std::ofstream(path) << now;
    return;
  }
  CHECK(now == text.str());
}

}  // namespace

TEST_CASE("transcript: a task's life") { check("life.txt"); }
TEST_CASE("transcript: a worker crashes, and its suspect runs alone") { check("crash.txt"); }
TEST_CASE("transcript: a worker is away, comes back, stays away") { check("away.txt"); }

}  // namespace troupe::scheduler::testing
