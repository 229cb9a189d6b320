// The file: a header line, then "+ REQUEST" for a launch and "- REQUEST" for an end.
#include "providers/launch_ledger.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe::providers {

namespace {

constexpr std::string_view header = "troupe launch ledger 1";
constexpr std::size_t rewrite_after = 4096;  // lines, when most of them are history

tl::unexpected<failure> io_failure(const char* what, const std::filesystem::path& file) {
  return fail(errc::io, std::string("can't ") + what + " the launch ledger " + file.string() +
                            ": " + std::strerror(errno));
}

// Whole, or an error: a full disk must not leave half a line that a later line continues.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool sync_folder(const std::filesystem::path& file) {
  const int fd = ::open(file.parent_path().empty() ? "." : file.parent_path().c_str(),
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = ::fsync(fd) == 0;
  ::close(fd);
  return ok;
}

}  // namespace

launch_ledger::launch_ledger(std::filesystem::path file, int fd)
    : file_(std::move(file)), fd_(fd) {}

launch_ledger::~launch_ledger() {
  if (fd_ >= 0) ::close(fd_);
}

launch_ledger::launch_ledger(launch_ledger&& o) noexcept
    : file_(std::move(o.file_)),
      fd_(std::exchange(o.fd_, -1)),
      open_(std::move(o.open_)),
      lines_(o.lines_) {}

launch_ledger& launch_ledger::operator=(launch_ledger&& o) noexcept {
  std::swap(file_, o.file_);
  std::swap(fd_, o.fd_);
  std::swap(open_, o.open_);
  std::swap(lines_, o.lines_);
  return *this;
}

result<launch_ledger> launch_ledger::open(std::filesystem::path file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return io_failure("open", file);
  launch_ledger ledger(std::move(file), fd);
  if (auto r = ledger.read(); !r) return tl::unexpected(r.error());
  // Also mends a torn end, so that the next line begins on its own.
  if (auto r = ledger.rewrite(); !r) return tl::unexpected(r.error());
  return ledger;
}

result<void> launch_ledger::read() {
  std::ifstream in(file_, std::ios::binary);
  if (!in) return io_failure("read", file_);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (text.empty()) return {};
  std::size_t at = 0;
  for (std::size_t line = 1;; ++line) {
    const auto end = text.find('\n', at);
    if (end == text.npos) {
      // A torn line; of a torn header nothing can follow.
      if (line == 1 && header.substr(0, text.size()) != text) break;
      return {};
    }
    const auto entry = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line == 1 && entry != header) break;
    if (line == 1) continue;
    ++lines_;
    if (entry.size() < 3 || entry[1] != ' ' || (entry[0] != '+' && entry[0] != '-'))
      return fail(errc::io, file_.string() + ":" + std::to_string(line) +
                                ": not a line of a launch ledger; move the file away to go on");
    if (entry[0] == '+')
      open_.emplace(entry.substr(2));
    else
      open_.erase(std::string(entry.substr(2)));
  }
  return fail(errc::io, file_.string() + " is not a launch ledger; move it away to go on");
}

result<void> launch_ledger::launched(std::span<const request_id> requests) {
  auto r = append('+', requests, true);
  if (r) open_.insert(requests.begin(), requests.end());
  return r;
}

result<void> launch_ledger::ended(std::span<const request_id> requests) {
  for (const auto& request : requests) open_.erase(request);
  if (lines_ > rewrite_after && open_.size() * 2 < lines_) return rewrite();
  return append('-', requests, false);
}

result<void> launch_ledger::append(char kind, std::span<const request_id> requests, bool sync) {
  std::string text;
  for (const auto& request : requests) {
    if (request.empty() || request.find('\n') != request.npos)
      return fail(errc::invalid_argument, "a launch's id must be one line");
    text += kind;
    text += ' ' + request + '\n';
  }
  const auto before = ::lseek(fd_, 0, SEEK_END);
  if (!write_all(fd_, text) || (sync && ::fdatasync(fd_) != 0)) {
    auto failed = io_failure("write", file_);
    // Take back what was written of it: the caller doesn't launch.
    if (before < 0 || ::ftruncate(fd_, before) != 0)
      return fail(errc::io, failed.value().message + "; and its end can't be mended");
    return failed;
  }
  lines_ += requests.size();
  return {};
}

// Beside the old one, then in its place: there is a whole ledger at every moment.
result<void> launch_ledger::rewrite() {
  auto fresh = file_;
  fresh += ".new";
  const int fd =
      ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return io_failure("write", fresh);
  std::string text(header);
  text += '\n';
  for (const auto& request : open_) text += "+ " + request + '\n';
  if (!write_all(fd, text) || ::fsync(fd) != 0 || ::rename(fresh.c_str(), file_.c_str()) != 0 ||
      !sync_folder(file_)) {
    auto failed = io_failure("write", fresh);
    ::close(fd);
    return failed;
  }
  ::close(fd_);
  fd_ = fd;
  lines_ = open_.size();
  return {};
}

}  // namespace troupe::providers
