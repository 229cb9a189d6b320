#include "actors/file_store.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace troupe::actors {
namespace {

tl::unexpected<failure> io_failure(const std::filesystem::path& where, const char* what) {
  return fail(errc::io, std::string{"can't "} + what + " a large value in " + where.string() +
                            ": " + std::strerror(errno));
}

class file_writer final : public protocol::blob_writer {
 public:
  file_writer(int fd, std::filesystem::path folder) : fd_(fd), folder_(std::move(folder)) {}
  ~file_writer() override { ::close(fd_); }

  result<void> append(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      auto n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return io_failure(folder_, "write");
      size_ += static_cast<std::size_t>(n);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }

  result<value> finish() override {
    void* map = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_, 0);
    if (map == MAP_FAILED) return io_failure(folder_, "map");
    return value::wrap({static_cast<const std::byte*>(map), size_},
                       [map, size = size_] { ::munmap(map, size); });
  }

 private:
  const int fd_;
  const std::filesystem::path folder_;
  std::size_t size_ = 0;
};

}  // namespace

result<std::shared_ptr<file_store>> file_store::open(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(errc::io, "can't make " + folder.string() + ": " + error.message());
  ::chmod(folder.c_str(), 0700);
  return std::shared_ptr<file_store>(new file_store(folder));
}

result<std::unique_ptr<protocol::blob_writer>> file_store::create(std::uint64_t) {
  auto name = (folder_ / "value-XXXXXX").string();
  int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return io_failure(folder_, "make a file for");
  ::unlink(name.c_str());
  return std::make_unique<file_writer>(fd, folder_);
}

result<value> file_store::store(const value& v) {
  auto writer = create(v.size());
  if (!writer) return tl::unexpected(writer.error());
  if (auto ok = (*writer)->append(v.data()); !ok) return tl::unexpected(ok.error());
  return (*writer)->finish();
}

}  // namespace troupe::actors
