// See inputs.hpp.
#include "cli/inputs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "cli/json_value.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

std::string name_of(const std::string& file) { return file == "-" ? "stdin" : file; }

result<std::string> read_all(int fd, const std::string& file) {
  std::string text;
  std::array<char, 65536> part{};
  for (;;) {
    auto n = ::read(fd, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errc::io, "can't read " + name_of(file) + ": " + std::strerror(errno));
    if (n == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(n));
    if (text.size() > max_input_bytes)
      return fail(errc::too_large, name_of(file) + " has more than " + human_bytes(max_input_bytes));
  }
}

value entry(const std::string& text) {
  return value::of(std::map<std::string, std::string>{{"entry", text}});
}

result<json> parse_array_of(std::string_view text, const std::string& file) {
  auto j = parse_json(text);
  if (!j) return fail(errc::invalid_argument, name_of(file) + ": " + j.error().message);
  if (!j->is_array())
    return fail(errc::invalid_argument, name_of(file) + ": is a JSON " + j->type_name() +
                                            ", not an array with one element for each task");
  return j;
}

}  // namespace

result<std::string> read_input(const std::string& file) {
  if (file == "-") return read_all(STDIN_FILENO, file);
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(errc::io, "can't open " + file + ": " + std::strerror(errno));
  auto text = read_all(fd, file);
  ::close(fd);
  return text;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    auto end = text.find('\n');
    auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
  }
  return lines;
}

result<std::vector<value>> entries_of_lines(std::string_view text) {
  std::vector<value> out;
  for (const auto& line : split_lines(text)) out.push_back(entry(line));
  return out;
}

result<std::vector<value>> entries_of_json(std::string_view text, const std::string& file) {
  auto j = parse_array_of(text, file);
  if (!j) return tl::unexpected(j.error());
  std::vector<value> out;
  for (const auto& x : *j) out.push_back(entry(x.is_string() ? x.get<std::string>() : compact(x)));
  return out;
}

result<std::vector<value>> arguments_of_json_lines(std::string_view text, const std::string& file) {
  std::vector<value> out;
  std::size_t number = 0;
  for (const auto& line : split_lines(text)) {
    ++number;
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    auto j = parse_json(line);
    auto v = j ? to_arguments(*j) : result<value>(tl::unexpected(j.error()));
    if (!v)
      return fail(errc::invalid_argument, name_of(file) + ":" + std::to_string(number) + ": " +
                                              v.error().message);
    out.push_back(std::move(*v));
  }
  return out;
}

result<std::vector<value>> arguments_of_json(std::string_view text, const std::string& file) {
  auto j = parse_array_of(text, file);
  if (!j) return tl::unexpected(j.error());
  std::vector<value> out;
  for (std::size_t i = 0; i < j->size(); ++i) {
    auto v = to_arguments((*j)[i]);
    if (!v)
      return fail(errc::invalid_argument, name_of(file) + ": element " + std::to_string(i) + ": " +
                                              v.error().message);
    out.push_back(std::move(*v));
  }
  return out;
}

}  // namespace troupe::cli
