// What is read of a task's log: all of it, or what one attempt wrote.
#include "actors/log_reader.hpp"

#include <fstream>

#include "actors/json.hpp"
#include "actors/runtime_system.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "worker/logs.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

const task_id task{job_id{12}, 3};

class reading {
 public:
  reading() : system_(config_), reader_(system_.spawn<caf::detached>(log_reader)) {}
  ~reading() { caf::anon_send_exit(reader_, caf::exit_reason::user_shutdown); }

  void wrote(attempt_number attempt, std::string_view text) {
    auto log = worker::open_log(folder_.path(), task, worker::log_stream::out, attempt);
    REQUIRE(log);
    worker::write_all(log->fd.get(), text);
  }
  nlohmann::json ask(attempt_number attempt, std::uint64_t offset = 0) {
    read_log r;
    r.folders = {"/nowhere", folder_.path().string()};
    r.file = "12/3.out";
    r.offset = offset;
    r.limit = max_log_read;
    r.attempt = attempt;
    caf::scoped_actor self{system_};
    nlohmann::json answer;
    self->request(reader_, std::chrono::seconds{10}, r)
        .receive([&](const value& v) { answer = to_json(v).value(); },
                 [](caf::error&) { FAIL("no answer"); });
    return answer;
  }
  std::string text(attempt_number attempt, std::uint64_t offset = 0) {
    auto answer = ask(attempt, offset);
    auto bytes = answer["data"].get_binary();
    return {bytes.begin(), bytes.end()};
  }

 private:
  tests::temporary_folder folder_;
  system_config config_;
  caf::actor_system system_;
  log_reader_actor reader_;
};

}  // namespace

TEST_CASE("a log is read whole, or only what one attempt wrote") {
  reading r;
  r.wrote(1, "one\n");
  CHECK(r.text(1) == "one\n");
  r.wrote(2, "two, longer\n");
  r.wrote(3, "");
  r.wrote(4, "four\n");
  CHECK(r.text(0) == "one\ntwo, longer\nfour\n");
  CHECK(r.text(1) == "one\n");
  CHECK(r.text(2) == "two, longer\n");
  CHECK(r.text(3).empty());
  CHECK(r.text(4) == "four\n");
  CHECK(r.text(2, 5) == "longer\n");
  CHECK(r.ask(2)["size"] == 12);
  CHECK(r.ask(2, 100)["offset"] == 12);
}

TEST_CASE("an attempt that left no note wrote nothing") {
  reading r;
  r.wrote(1, "one\n");
  r.wrote(3, "three\n");
  CHECK(r.text(1) == "one\n");
  CHECK(r.text(2).empty());
  CHECK(r.text(3) == "three\n");
}
