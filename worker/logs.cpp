#include "worker/logs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "worker/spawn.hpp"

namespace troupe::worker {
namespace fs = std::filesystem;
namespace {

std::uint64_t size_of(int fd) {
  struct stat s {};
  return fstat(fd, &s) == 0 ? static_cast<std::uint64_t>(s.st_size) : 0;
}

std::string timestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[40];
  auto n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  n += static_cast<std::size_t>(
      std::snprintf(text + n, sizeof text - n, ".%03dZ", static_cast<int>(now.tv_nsec / 1'000'000)));
  return {text, n};
}

}  // namespace

fs::path log_path(const fs::path& log_dir, task_id task, log_stream s) {
  return log_dir / std::to_string(task.job.value) /
         (std::to_string(task.index) + (s == log_stream::out ? ".out" : ".err"));
}

fs::path attempts_path(const fs::path& log) { return log.string() + ".attempts"; }

result<log_file> open_log(const fs::path& log_dir, task_id task, log_stream s,
                          attempt_number attempt) {
  auto path = log_path(log_dir, task, s);
  int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | (attempt <= 1 ? O_TRUNC : 0);
  log_file out{unique_fd{open(path.c_str(), flags, 0600)}};
  if (!out.fd && errno == ENOENT) {  // the job's first task here
    std::error_code ignored;         // opening says what is wrong
    fs::create_directories(path.parent_path(), ignored);
    out.fd = unique_fd{open(path.c_str(), flags, 0600)};
  }
  if (!out.fd)
    return fail(errc::io, "cannot open the log \"" + path.string() + "\": " + error_text(errno));
  auto note = attempts_path(path);
  if (attempt <= 1) {
    unlink(note.c_str());  // of an earlier task of this number
    return out;
  }
  out.begin = size_of(out.fd.get());
  unique_fd notes{open(note.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  // Without it the log is still whole; only its parts can't be told apart.
  if (notes) write_all(notes.get(), std::to_string(attempt) + " " + std::to_string(out.begin) + "\n");
  return out;
}

std::string read_at(int fd, std::uint64_t begin, std::size_t limit) {
  auto size = size_of(fd);
  if (begin >= size) return {};
  std::string out(std::min<std::uint64_t>(limit, size - begin), '\0');
  std::size_t done = 0;
  while (done < out.size()) {
    auto n = pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(begin + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  out.resize(done);
  return out;
}

result<log_chunk> read_log(const fs::path& log_dir, task_id task, log_stream s,
                           std::int64_t offset, std::size_t limit) {
  auto path = log_path(log_dir, task, s);
  unique_fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) {
    if (errno == ENOENT) return log_chunk{};
    return fail(errc::io, "cannot read the log \"" + path.string() + "\": " + error_text(errno));
  }
  log_chunk out;
  out.size = size_of(fd.get());
  auto from = static_cast<std::uint64_t>(std::max<std::int64_t>(offset, 0));
  if (offset < 0) {
    auto back = std::uint64_t{0} - static_cast<std::uint64_t>(offset);
    from = back >= out.size ? 0 : out.size - back;
  }
  if (from > out.size) from = 0;
  out.data = read_at(fd.get(), from, std::min(limit, max_log_chunk));
  out.next = from + out.data.size();
  return out;
}

std::string log_line(log_level level, std::string_view text) {
  std::string line = timestamp() + " " + std::string{to_string(level)} + " ";
  line.append(text);
  line += '\n';
  return line;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void call_log::write(log_level level, std::string_view text) {
  auto line = log_line(level, text);
  std::lock_guard lock{mutex_};
  if (!tried_) {
    tried_ = true;
    if (auto opened = open_log(log_dir_, task_, log_stream::err, attempt_))
      file_ = std::move(*opened);
  }
  if (file_.fd) write_all(file_.fd.get(), line);
}

}  // namespace troupe::worker
