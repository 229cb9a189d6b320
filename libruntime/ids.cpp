#include "libruntime/ids.hpp"

#include <charconv>

namespace troupe {
namespace {

std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::uint32_t n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

std::string to_string(task_id id) {
  return std::to_string(id.job.value) + '.' + std::to_string(id.index);
}

std::optional<job_id> parse_job_id(std::string_view text) {
  auto n = parse_number(text);
  if (!n || *n == 0) return std::nullopt;
  return job_id{*n};
}

std::optional<task_id> parse_task_id(std::string_view text) {
  auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  auto job = parse_job_id(text.substr(0, dot));
  auto index = parse_number(text.substr(dot + 1));
  if (!job || !index) return std::nullopt;
  return task_id{*job, *index};
}

}  // namespace troupe
