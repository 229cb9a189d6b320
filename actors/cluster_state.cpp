#include "actors/cluster_state.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include <nlohmann/json.hpp>

namespace troupe::actors {
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

tl::unexpected<failure> io_failure(const std::string& what, const fs::path& file) {
  return fail(errc::io, "can't " + what + " " + file.string() + ": " + std::strerror(errno));
}

result<void> make_private_folder(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir.parent_path(), error);
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return io_failure("make folder", dir);
  if (::chmod(dir.c_str(), 0700) != 0) return io_failure("make private", dir);
  return {};
}

std::string new_cluster_id() {
  std::random_device random;
  std::string out;
  for (int i = 0; i < 4; ++i) {
    char part[9];
    std::snprintf(part, sizeof part, "%08x", random());
    out += part;
  }
  return out;
}

std::string describe(const head_record& r) {
  return "pid " + std::to_string(r.pid) + (r.address.empty() ? "" : ", at " + r.address);
}

}  // namespace

fs::path state_root() {
  if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg && *xdg) return fs::path{xdg} / "troupe";
  const char* home = std::getenv("HOME");
  return fs::path{home && *home ? home : "/tmp"} / ".local/state/troupe";
}

result<std::string> read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return io_failure("read", file);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

result<void> write_file(const fs::path& file, const std::string& text) {
  auto temporary = file.string() + ".new";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return io_failure("write", temporary);
  std::size_t done = 0;
  while (done < text.size()) {
    auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      auto f = io_failure("write", temporary);
      ::close(fd);
      return f;
    }
    done += static_cast<std::size_t>(n);
  }
  if (::fsync(fd) != 0 || ::close(fd) != 0) return io_failure("write", temporary);
  if (::rename(temporary.c_str(), file.c_str()) != 0) return io_failure("write", file);
  return {};
}

result<cluster_state> cluster_state::open(const fs::path& dir, const std::string& name) {
  cluster_state s;
  s.dir_ = dir.empty() ? state_root() / name : dir;
  if (auto made = make_private_folder(s.dir_); !made) return tl::unexpected(made.error());

  auto lock_file = s.dir_ / "lock";
  s.lock_ = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (s.lock_ < 0) return io_failure("open", lock_file);
  if (::flock(s.lock_, LOCK_EX | LOCK_NB) != 0) {
    auto record = read_head_record(s.dir_);
    return fail(errc::already_exists, "a head of cluster \"" + name + "\" is running already" +
                                          (record ? " (" + describe(*record) + ")" : "") +
                                          "; state folder " + s.dir_.string());
  }

  auto file = s.dir_ / "cluster.json";
  std::uint32_t epoch = 0;
  if (fs::exists(file)) {
    auto text = read_file(file);
    if (!text) return tl::unexpected(text.error());
    auto j = json::parse(*text, nullptr, false);
    if (!j.is_object() || !j.contains("id") || !j["id"].is_string())
      return fail(errc::io, file.string() + " is damaged; move the folder away to start afresh");
    s.cluster_id_ = j["id"].get<std::string>();
    epoch = j.value("epoch", 0U);
  } else {
    s.cluster_id_ = new_cluster_id();
  }
  s.epoch_ = epoch_id{epoch + 1};
  auto written =
      write_file(file, json{{"id", s.cluster_id_}, {"epoch", s.epoch_.value}}.dump(2) + "\n");
  if (!written) return tl::unexpected(written.error());
  return s;
}

cluster_state::cluster_state(cluster_state&& o) noexcept
    : dir_(std::move(o.dir_)),
      cluster_id_(std::move(o.cluster_id_)),
      epoch_(o.epoch_),
      lock_(std::exchange(o.lock_, -1)),
      announced_(std::exchange(o.announced_, false)) {}

cluster_state& cluster_state::operator=(cluster_state&& o) noexcept {
  std::swap(dir_, o.dir_);
  std::swap(cluster_id_, o.cluster_id_);
  std::swap(epoch_, o.epoch_);
  std::swap(lock_, o.lock_);
  std::swap(announced_, o.announced_);
  return *this;
}

cluster_state::~cluster_state() {
  std::error_code ignored;  // an old record is recognised by the lock
  if (announced_) fs::remove(dir_ / "head.json", ignored);
  if (lock_ >= 0) ::close(lock_);
}

result<void> cluster_state::announce(const head_record& r) {
  json j{{"name", r.name},       {"cluster_id", r.cluster_id}, {"epoch", r.epoch},
         {"pid", r.pid},         {"address", r.address},       {"http", r.http},
         {"certificates", r.certificates}, {"tls", r.tls},     {"started_at", r.started_at}};
  if (auto ok = write_file(dir_ / "head.json", j.dump(2) + "\n"); !ok) return ok;
  announced_ = true;
  std::error_code error;
  fs::create_directories(state_root(), error);
  return write_file(state_root() / "latest", fs::absolute(dir_).string() + "\n");
}

result<head_record> read_head_record(const fs::path& dir) {
  auto text = read_file(dir / "head.json");
  if (!text) return tl::unexpected(text.error());
  auto j = json::parse(*text, nullptr, false);
  if (!j.is_object()) return fail(errc::io, (dir / "head.json").string() + " is damaged");
  head_record r;
  r.name = j.value("name", "");
  r.cluster_id = j.value("cluster_id", "");
  r.epoch = j.value("epoch", 0U);
  r.pid = j.value("pid", 0U);
  r.address = j.value("address", "");
  r.http = j.value("http", "");
  r.certificates = j.value("certificates", "");
  r.tls = j.value("tls", true);
  r.started_at = j.value("started_at", std::int64_t{0});
  return r;
}

bool head_alive(const fs::path& dir) {
  int fd = ::open((dir / "lock").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0;
  ::close(fd);
  return held;
}

result<head_record> find_cluster(const std::string& address, const std::string& certificates) {
  std::string wanted = address;
  if (wanted.empty())
    if (const char* env = std::getenv("TROUPE_ADDRESS"); env) wanted = env;
  std::string certs = certificates;
  if (certs.empty())
    if (const char* env = std::getenv("TROUPE_CERTS"); env) certs = env;

  if (wanted.empty()) {
    auto latest = read_file(state_root() / "latest");
    if (!latest)
      return fail(errc::unavailable,
                  "no cluster was started from this account (nothing in " +
                      state_root().string() +
                      "); start one with `troupe up -f FILE`, or name one with --address");
    auto dir = fs::path{latest->substr(0, latest->find('\n'))};
    auto record = read_head_record(dir);
    if (!record || !head_alive(dir))
      return fail(errc::unavailable, "the cluster started last from this account, \"" +
                                         dir.filename().string() +
                                         "\", is not running; start it with `troupe up -f FILE`, "
                                         "or name another with --address");
    if (!certs.empty()) record->certificates = certs;
    return record;
  }

  head_record found;
  std::error_code error;
  if (certs.empty()) {
    for (const auto& entry : fs::directory_iterator(state_root(), error)) {
      auto record = read_head_record(entry.path());
      if (!record || record->address != wanted) continue;
      found = *record;
      if (head_alive(entry.path())) return found;
    }
  }
  found.address = wanted;
  if (!certs.empty()) found.certificates = certs;
  if (found.certificates.empty())
    return fail(errc::unavailable,
                "no certificates for " + wanted + ": no cluster of this account listens there (" +
                    state_root().string() + "); name their folder with TROUPE_CERTS");
  return found;
}

}  // namespace troupe::actors
