#include "actors/spill_store.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace troupe::actors {
namespace {

struct open_file {
  int fd = -1;
  ~open_file() {
    if (fd >= 0) ::close(fd);
  }
};

tl::unexpected<failure> io_failure(const std::filesystem::path& file, const char* what) {
  return fail(errc::io, "can't " + std::string{what} + " a result in " + file.string() + ": " +
                            std::strerror(errno));
}

bool write_all(int fd, value::bytes bytes) {
  while (!bytes.empty()) {
    auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

result<std::unique_ptr<spill_store>> spill_store::open(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  std::filesystem::create_directories(folder, error);
  if (error) return fail(errc::io, "can't make " + folder.string() + ": " + error.message());
  ::chmod(folder.c_str(), 0700);
  return std::unique_ptr<spill_store>(new spill_store(folder));
}

result<value> spill_store::store(const value& v) {
  auto file = folder_ / std::to_string(next_++);
  auto bytes = v.data();
  open_file out{::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (out.fd < 0) return io_failure(file, "make a file for");
  if (!write_all(out.fd, bytes)) {
    auto f = io_failure(file, "write");
    ::unlink(file.c_str());
    return f;
  }
  void* map = ::mmap(nullptr, bytes.size(), PROT_READ, MAP_SHARED, out.fd, 0);
  if (map == MAP_FAILED) {
    auto f = io_failure(file, "map");
    ::unlink(file.c_str());
    return f;
  }
  return value::wrap({static_cast<const std::byte*>(map), bytes.size()},
                     [map, size = bytes.size(), file] {
                       ::munmap(map, size);
                       ::unlink(file.c_str());
                     });
}

}  // namespace troupe::actors
