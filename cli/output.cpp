// See output.hpp.
#include "cli/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/errors.hpp"

namespace troupe::cli {
namespace {

void write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && fd == STDERR_FILENO) return;  // nobody left to tell
    if (n < 0 && errno == EPIPE) throw broken_pipe{};
    if (n < 0) request_failed(std::string{"can't write to stdout: "} + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

output output::standard() {
  return {[](std::string_view t) { write_whole(STDOUT_FILENO, t); },
          [](std::string_view t) { write_whole(STDERR_FILENO, t); }, terminal::detect()};
}

void output::print(std::string_view text) {
  clear_progress();
  if (!text.empty()) out_(text);
}

void output::line(std::string_view text) { print(std::string{text} + '\n'); }

void output::print(const table& t) { print(t.render(terminal_.width, terminal_.colours)); }

void output::print_json(const json& j) {
  line(j.dump(2, ' ', false, json::error_handler_t::replace));
}

void output::print_compact(const json& j) { line(compact(j)); }

std::string output::paint(std::string_view text, style s) const {
  return cli::paint(text, s, terminal_.colours);
}

void output::raw_error(std::string_view text) {
  clear_progress();
  err_(text);
}

void output::note(std::string_view text) {
  if (!is_quiet()) raw_error(std::string{text} + '\n');
}

void output::warning(std::string_view text) {
  raw_error(cli::paint("warning:", style::yellow, terminal_.err_colours) + ' ' +
            std::string{text} + '\n');
}

void output::error(std::string_view text) {
  raw_error(cli::paint("error:", style::red, terminal_.err_colours) + ' ' + std::string{text} +
            '\n');
}

void output::progress(const progress_state& p) {
  if (!terminal_.err_is_terminal || is_quiet()) return;
  auto now = std::chrono::steady_clock::now();
  if (progress_shown_ && now - progress_at_ < std::chrono::milliseconds{100}) return;
  progress_at_ = now;
  // One column stays free: some terminals wrap when the last one is written.
  auto width = terminal_.width > 1 ? terminal_.width - 1 : 79;
  progress_shown_ = true;
  err_("\r\x1b[K" + progress_line(p, width));
}

void output::clear_progress() {
  if (!progress_shown_) return;
  progress_shown_ = false;
  err_("\r\x1b[K");
}

}  // namespace troupe::cli
