#include "actors/file_store.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libruntime/units.hpp"

namespace troupe::actors {
namespace {

tl::unexpected<failure> io_failure(const std::filesystem::path& where, const char* what) {
  return fail(errc::io, std::string{"can't "} + what + " a large value in " + where.string() +
                            ": " + std::strerror(errno));
}

class file_writer final : public protocol::blob_writer {
 public:
  file_writer(int fd, std::filesystem::path folder, std::shared_ptr<void> room)
      : fd_(fd), folder_(std::move(folder)), room_(std::move(room)) {}
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
                       [map, size = size_, room = room_] { ::munmap(map, size); });
  }

 private:
  const int fd_;
  const std::filesystem::path folder_;
  const std::shared_ptr<void> room_;
  std::size_t size_ = 0;
};

}  // namespace

result<std::shared_ptr<file_store>> file_store::open(const std::filesystem::path& folder,
                                                     std::uint64_t limit) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(errc::io, "can't make " + folder.string() + ": " + error.message());
  ::chmod(folder.c_str(), 0700);
  return std::shared_ptr<file_store>(new file_store(folder, limit));
}

std::shared_ptr<void> file_store::reserve(std::uint64_t bytes) {
  auto before = used_->load();
  do {
    if (bytes > limit_ - std::min(before, limit_)) return nullptr;
  } while (!used_->compare_exchange_weak(before, before + bytes));
  return held(bytes);
}

std::shared_ptr<void> file_store::use(std::uint64_t bytes) {
  *used_ += bytes;
  return held(bytes);
}

std::shared_ptr<void> file_store::held(std::uint64_t bytes) {
  auto give_back = [used = used_, bytes](void*) { *used -= bytes; };
  return {used_.get(), std::move(give_back)};
}

result<std::unique_ptr<protocol::blob_writer>> file_store::create(std::uint64_t size) {
  return create_file(use(size));
}

result<std::unique_ptr<protocol::blob_writer>> file_store::create_file(std::shared_ptr<void> room) {
  auto name = (folder_ / "value-XXXXXX").string();
  int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return io_failure(folder_, "make a file for");
  ::unlink(name.c_str());
  return std::make_unique<file_writer>(fd, folder_, std::move(room));
}

result<value> file_store::store(const value& v) {
  auto room = reserve(v.size());
  if (!room)
    return fail(errc::overloaded, "of scheduler.results_disk (" + format_bytes(byte_count{limit_}) +
                                      ") less than " + std::to_string(v.size()) +
                                      " bytes are left");
  auto writer = create_file(std::move(room));
  if (!writer) return tl::unexpected(writer.error());
  if (auto ok = (*writer)->append(v.data()); !ok) return tl::unexpected(ok.error());
  return (*writer)->finish();
}

}  // namespace troupe::actors
