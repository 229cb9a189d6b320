// A cluster that is a script: answers to requests by method, jobs whose ends are given. Everything
// the commands ask of it is written down.
#pragma once

#include <csignal>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/json_value.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/services.hpp"

namespace troupe::cli::test {

// What the scripted cluster knows, and what it was asked.
struct script {
  std::map<std::string, std::deque<result<json>>> answers;  // the last one stays
  std::vector<std::pair<std::string, json>> asked;
  std::vector<job_draft> submitted;
  std::vector<result<value>> outcomes;  // of every job's tasks
  std::optional<failure> refusal;       // of every submission
  std::optional<failure> unreachable;
  std::vector<connect_request> connects;
  std::vector<std::string> cancelled;
  int interrupts = 0;  // that come at once while a job is waited for, before it is looked at again

  void answer(const std::string& method, const char* text) {
    answers[method].push_back(json::parse(text));
  }
};

class fake_job : public job_handle {
 public:
  explicit fake_job(script& s) : s_(s) {}
  std::string id() override {
    if (s_.refusal) throw error(*s_.refusal);
    return "12";
  }
  std::size_t size() override { return s_.outcomes.size(); }
  std::size_t ended() override { return s_.outcomes.size(); }
  std::size_t failed() override {
    std::size_t n = 0;
    for (const auto& o : s_.outcomes) n += o ? 0 : 1;
    return n;
  }
  bool wait_for(duration) override { return over(); }
  bool wait_task(std::size_t, duration) override { return over(); }
  result<value> outcome(std::size_t position) override {
    if (s_.refusal) return tl::unexpected(*s_.refusal);
    return s_.outcomes.at(position);
  }
  void cancel(const std::string& reason) override { s_.cancelled.push_back(reason); }

 private:
  bool over() {
    if (s_.interrupts == 0) return true;
    for (; s_.interrupts > 0; --s_.interrupts) std::raise(SIGINT);
    return false;
  }

  script& s_;
};

class fake_cluster : public cluster_access {
 public:
  explicit fake_cluster(script& s) : s_(s) {}
  const std::string& address() const override { return address_; }
  result<value> request(const std::string& method, const value& parameters, duration) override {
    s_.asked.emplace_back(method, to_json(parameters));
    auto& list = s_.answers[method];
    if (list.empty()) return fail(errc::not_found, "there is no request \"" + method + "\"");
    auto answer = list.front();
    if (list.size() > 1) list.pop_front();
    if (!answer) return tl::unexpected(answer.error());
    return to_value(*answer);
  }
  std::unique_ptr<job_handle> submit(job_draft draft) override {
    s_.submitted.push_back(std::move(draft));
    return std::make_unique<fake_job>(s_);
  }
  std::unique_ptr<job_handle> watch(job_id, bool) override { return std::make_unique<fake_job>(s_); }

 private:
  script& s_;
  std::string address_ = "127.0.0.1:7400";
};

struct outcome {
  int code = 0;
  std::string out, err;
};

// Runs `troupe ARGUMENTS…` against the script.
inline outcome run(script& s, const std::vector<std::string>& arguments, terminal t = {}) {
  outcome o;
  output out([&](std::string_view text) { o.out += text; },
             [&](std::string_view text) { o.err += text; }, t);
  services outside;
  outside.connect = [&](const connect_request& r) -> result<std::unique_ptr<cluster_access>> {
    s.connects.push_back(r);
    if (s.unreachable) return tl::unexpected(*s.unreachable);
    return std::make_unique<fake_cluster>(s);
  };
  outside.temporary_cluster = [&](cluster_settings) -> result<std::unique_ptr<cluster_access>> {
    return std::make_unique<fake_cluster>(s);
  };
  outside.find_head = [](const std::string&) -> result<head_process> {
    return fail(errc::not_found, "none");
  };
  o.code = run_program(arguments, out, outside);
  return o;
}

}  // namespace troupe::cli::test
