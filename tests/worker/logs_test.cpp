#include <fstream>

#include "tests/worker/executor_world.hpp"
#include "worker/logs.hpp"

using namespace troupe;
using namespace troupe::worker;

namespace {

const task_id task{job_id{3}, 4};

void append(const std::filesystem::path& dir, attempt_number attempt, std::string_view text) {
  auto log = open_log(dir, task, log_stream::out, attempt);
  REQUIRE(log);
  write_all(log->fd.get(), text);
}

}  // namespace

TEST_CASE("logs are where their task's numbers say") {
  CHECK(log_path("/var/l", task, log_stream::out) == "/var/l/3/4.out");
  CHECK(log_path("/var/l", task, log_stream::err) == "/var/l/3/4.err");
}

TEST_CASE("a log is read in parts, and from its end") {
  temporary_folder f;
  append(f.path, 1, "0123456789");
  auto read = [&](std::int64_t offset, std::size_t limit) {
    return read_log(f.path, task, log_stream::out, offset, limit).value();
  };
  CHECK(read(0, 4).data == "0123");
  CHECK(read(4, 4).data == "4567");
  CHECK(read(8, 4).data == "89");
  CHECK(read(8, 4).next == 10);
  CHECK(read(10, 4).data.empty());
  CHECK(read(-3, 100).data == "789");
  CHECK(read(-100, 100).data == "0123456789");
  CHECK(read(0, 0).size == 10);
}

TEST_CASE("a log can be followed while it grows, also when a new first attempt empties it") {
  temporary_folder f;
  append(f.path, 1, "one");
  auto chunk = read_log(f.path, task, log_stream::out, 0, 100).value();
  append(f.path, 2, "two");
  chunk = read_log(f.path, task, log_stream::out, static_cast<std::int64_t>(chunk.next), 100).value();
  CHECK(chunk.data == "two");
  append(f.path, 1, "new");
  chunk = read_log(f.path, task, log_stream::out, static_cast<std::int64_t>(chunk.next), 100).value();
  CHECK(chunk.data == "new");
}

TEST_CASE("where each later attempt begins is noted beside the log") {
  temporary_folder f;
  auto notes = [&] {
    std::ifstream in(attempts_path(log_path(f.path, task, log_stream::out)));
    return std::string{std::istreambuf_iterator<char>{in}, {}};
  };
  append(f.path, 1, "first");
  CHECK(notes().empty());
  append(f.path, 2, "second");
  append(f.path, 4, "");
  CHECK(notes() == "2 5\n4 11\n");
  append(f.path, 1, "anew");
  CHECK(notes().empty());
}

TEST_CASE("a log that was never written is empty") {
  temporary_folder f;
  auto chunk = read_log(f.path, task, log_stream::err, 0, 100);
  REQUIRE(chunk);
  CHECK(chunk->data.empty());
  CHECK(chunk->size == 0);
}

TEST_CASE("a log that cannot be opened says which and why") {
  temporary_folder f;
  std::ofstream{f.path / "3"} << "a file where a folder should be";
  auto log = open_log(f.path, task, log_stream::out, 1);
  REQUIRE_FALSE(log);
  CHECK(log.error().code == errc::io);
  CHECK(log.error().message.find("/3/4.out") != std::string::npos);
}
