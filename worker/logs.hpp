// Log files of tasks: LOG_DIR/JOB/INDEX.out and .err. A command's streams are written by the command
// itself, through descriptors that it inherits; what a function logs goes to its .err, one line an
// entry. The first attempt starts the file anew, later ones append, and note in INDEX.out.attempts where
// they begin: a line "ATTEMPT BYTE" each. Readable at any moment.
//
// Names are made of numbers only: nothing a peer sends can lead out of the folder. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

#include "libruntime/failure.hpp"
#include "libruntime/ids.hpp"
#include "libruntime/log_level.hpp"
#include "worker/unique_fd.hpp"

namespace troupe::worker {

enum class log_stream : std::uint8_t { out, err };

std::filesystem::path log_path(const std::filesystem::path& log_dir, task_id task, log_stream s);

// Where the note of later attempts is.
std::filesystem::path attempts_path(const std::filesystem::path& log);

// For reading and appending; folders are made as needed.
struct log_file {
  unique_fd fd;
  std::uint64_t begin = 0;  // where this attempt's part starts
};
result<log_file> open_log(const std::filesystem::path& log_dir, task_id task, log_stream s,
                          attempt_number attempt);

// What stands in [begin, begin + limit) of an open file; shorter at its end.
std::string read_at(int fd, std::uint64_t begin, std::size_t limit);

struct log_chunk {
  std::string data;
  std::uint64_t next = 0;  // the offset to ask for next
  std::uint64_t size = 0;  // of the whole, now
};
inline constexpr std::size_t max_log_chunk = std::size_t{1} << 20;

// A part of a task's log, at most max_log_chunk. A log that doesn't exist is empty: a task that said
// nothing leaves no file. A negative offset counts from the end. To follow, ask again from `next`; a
// file that shrank (a new first attempt) is read from its start.
result<log_chunk> read_log(const std::filesystem::path& log_dir, task_id task, log_stream s,
                           std::int64_t offset, std::size_t limit);

// "2025-01-31T12:00:00.000Z warning the text\n", now.
std::string log_line(log_level level, std::string_view text);
// All of it, or as much as could be written.
void write_all(int fd, std::string_view text);

// Appends the lines of one attempt's function; the file is made by the first.
class call_log {
 public:
  call_log(const std::filesystem::path& log_dir, task_id task, attempt_number attempt)
      : log_dir_(log_dir), task_(task), attempt_(attempt) {}
  // A line that cannot be written is dropped: a full
  // disk must not fail the task.
  void write(log_level level, std::string_view text);

 private:
  const std::filesystem::path& log_dir_;
  task_id task_;
  attempt_number attempt_;
  std::mutex mutex_;
  bool tried_ = false;
  log_file file_;
};

}  // namespace troupe::worker
