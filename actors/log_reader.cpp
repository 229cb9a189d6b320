#include "actors/log_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/json.hpp"
#include "worker/logs.hpp"

namespace troupe::actors {
namespace {

// Where in the file an attempt's part is; it is empty if nothing was noted of it.
struct part {
  std::uint64_t begin = 0, end = 0;
};

part part_of(const std::filesystem::path& log, attempt_number attempt, std::uint64_t size) {
  if (attempt == 0) return {0, size};
  part p{0, attempt == 1 ? size : 0};
  bool found = attempt == 1;
  std::ifstream notes(worker::attempts_path(log));
  std::uint64_t number = 0, at = 0;
  while (notes >> number >> at) {
    if (found && number > attempt) return {p.begin, std::min(at, size)};
    if (number != attempt) continue;
    found = true;
    p = {std::min(at, size), size};
  }
  return p;
}

value read(const read_log& r) {
  std::filesystem::path path;
  for (const auto& folder : r.folders) {
    path = std::filesystem::path{folder} / r.file;
    std::error_code missing;
    if (std::filesystem::exists(path, missing)) break;
  }
  std::vector<std::uint8_t> data;
  std::error_code error;
  auto size = std::filesystem::file_size(path, error);
  if (error) size = 0;
  auto [begin, end] = part_of(path, r.attempt, size);
  size = end - begin;
  if (r.offset < size) {
    data.resize(std::min({r.limit, max_log_read, static_cast<std::uint64_t>(size) - r.offset}));
    std::ifstream in(path, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(begin + r.offset));
    in.read(reinterpret_cast<char*>(data.data()), static_cast<std::streamsize>(data.size()));
    data.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  }
  return to_value({{"data", nlohmann::json::binary(std::move(data))},
                   {"offset", std::min(r.offset, size)},
                   {"size", size},
                   {"done", r.done}});
}

}  // namespace

log_reader_actor::behavior_type log_reader(log_reader_actor::pointer) {
  return {[](const read_log& r) { return read(r); }};
}

}  // namespace troupe::actors
