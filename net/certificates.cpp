// The files of a cluster's certificate authority. Everything secret is opened only if nobody else
// can read it, and written to a temporary name that is renamed, so that no reader sees half a file.
#include "net/certificates.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "net/x509.hpp"

namespace troupe::net {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_pem_bytes = 1 << 20;
constexpr auto lock_patience = std::chrono::seconds{10};
constexpr double renew_below = 1.0 / 3;  // of a certificate's lifetime

class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

tl::unexpected<failure> system_failure(const std::string& doing, const fs::path& path) {
  const int error = errno;
  const errc code = error == ENOENT   ? errc::not_found
                    : error == EACCES ? errc::forbidden
                                      : errc::io;
  return fail(code, "can't " + doing + " " + path.string() + ": " + std::strerror(error));
}

result<void> check_private(const struct stat& s, const fs::path& path, const char* mode) {
  if (s.st_uid != ::geteuid() && ::geteuid() != 0)
    return fail(errc::forbidden, path.string() + " belongs to another account");
  if ((s.st_mode & 077) != 0)
    return fail(errc::forbidden,
                path.string() + " is open to other accounts: chmod " + mode + " " + path.string());
  return {};
}

result<std::string> read_file(const fs::path& path, bool secret) {
  const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat s {};
  if (!file || ::fstat(file.get(), &s) != 0) return system_failure("read", path);
  if (secret)
    if (auto ok = check_private(s, path, "600"); !ok) return tl::unexpected(ok.error());
  if (!S_ISREG(s.st_mode) || s.st_size > static_cast<off_t>(max_pem_bytes))
    return fail(errc::io, path.string() + " is not a certificate file");
  std::string text(static_cast<std::size_t>(s.st_size), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const auto n = ::read(file.get(), text.data() + have, text.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure("read", path);
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  text.resize(have);
  return text;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

result<void> write_file(const fs::path& path, std::string_view text) {
  std::string temporary = path.string() + ".XXXXXX";
  const descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // 0600
  if (!file) return system_failure("create", temporary);
  if (!write_all(file.get(), text) || ::fsync(file.get()) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    auto failed = system_failure("write", path);
    ::unlink(temporary.c_str());
    return failed;
  }
  return {};
}

result<void> prepare_directory(const fs::path& dir) {
  std::error_code error;
  if (dir.has_parent_path()) fs::create_directories(dir.parent_path(), error);
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return system_failure("create", dir);
  struct stat s {};
  if (::stat(dir.c_str(), &s) != 0) return system_failure("open", dir);
  if (!S_ISDIR(s.st_mode)) return fail(errc::io, dir.string() + " is not a directory");
  return check_private(s, dir, "700");
}

// Two processes that make the same authority at once would end with two.
result<descriptor> lock_directory(const fs::path& dir) {
  const auto path = dir / ".lock";
  descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return system_failure("open", path);
  const auto until = clock::now() + lock_patience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return system_failure("lock", path);
    if (clock::now() > until)
      return fail(errc::unavailable, "another process holds " + path.string());
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return file;
}

result<void> check_validity(const X509& certificate, const fs::path& file) {
  switch (validity_of(certificate)) {
    case validity::expired:
      return fail(errc::unauthenticated, "the certificate in " + file.string() + " expired on " +
                                             end_of_validity(certificate));
    case validity::not_yet:
      return fail(errc::unauthenticated, "the certificate in " + file.string() +
                                             " is not valid yet: is this machine's clock right?");
    case validity::now:
      break;
  }
  return {};
}

// Certificate and key of one file, checked against each other.
result<credential> load_credential(const fs::path& certificate_file, const fs::path& key_file) {
  auto text = read_file(certificate_file, certificate_file == key_file);
  if (!text) return tl::unexpected(text.error());
  auto key_text = certificate_file == key_file ? text : read_file(key_file, true);
  if (!key_text) return tl::unexpected(key_text.error());
  credential c{parse_key(*key_text), parse_certificate(*text)};
  if (!c.certificate)
    return fail(errc::unauthenticated,
                "no certificate in " + certificate_file.string() + ": " + openssl_words());
  if (!c.key)
    return fail(errc::unauthenticated, "no key in " + key_file.string() + ": " + openssl_words());
  if (!key_fits(c))
    return fail(errc::unauthenticated, "the key in " + key_file.string() +
                                           " is not the key of the certificate in " +
                                           certificate_file.string());
  return c;
}

struct authority_paths {
  fs::path certificate, key;
};
authority_paths authority_in(const fs::path& dir) {
  return {dir / "ca.pem", dir / "ca.key"};
}

result<credential> load_authority(const fs::path& dir) {
  const auto [certificate, key] = authority_in(dir);
  auto c = load_credential(certificate, key);
  if (!c) return c;
  if (auto ok = check_validity(*c->certificate, certificate); !ok)
    return fail(ok.error().code, ok.error().message + ": move " + dir.string() +
                                     " away to start with a new authority");
  return c;
}

result<credential> open_authority(const fs::path& dir, const authority_settings& settings) {
  const auto [certificate, key] = authority_in(dir);
  if (fs::exists(certificate)) return load_authority(dir);
  // ca.pem is written last: a key without it is what an interrupted start left behind.
  auto made = make_authority(settings.cluster, settings.authority_validity);
  if (!made) return made;
  if (auto ok = write_file(key, key_pem(*made->key)); !ok) return tl::unexpected(ok.error());
  if (auto ok = write_file(certificate, certificate_pem(*made->certificate)); !ok)
    return tl::unexpected(ok.error());
  return made;
}

std::string pem_of(const credential& c) {
  return certificate_pem(*c.certificate) + key_pem(*c.key);
}

result<void> issue(const credential& authority, const certificate_request& request,
                   const fs::path& file) {
  auto made = make_certificate(request, authority);
  if (!made) return tl::unexpected(made.error());
  return write_file(file, pem_of(*made));
}

// Whether the certificate in `file` may stay.
result<bool> still_good(const credential& authority, const certificate_request& request,
                        const fs::path& file) {
  auto c = load_credential(file, file);
  if (!c) return tl::unexpected(c.error());
  if (!signed_by(*c->certificate, *authority.certificate))
    return fail(errc::unauthenticated,
                "the certificate in " + file.string() + " is of another authority: remove it");
  if (lifetime_left(*c->certificate) < renew_below) return false;
  const auto who = identity_of(*c->certificate);
  if (!who || *who != identity{request.role, request.owner}) return false;
  for (const auto& name : request.names)
    if (!has_name(*c->certificate, name)) return false;
  return true;
}

}  // namespace

std::string account_name() {
  std::array<char, 4096> buffer{};
  struct passwd entry {};
  struct passwd* found = nullptr;
  ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found ? std::string(entry.pw_name) : std::to_string(::geteuid());
}

std::string_view to_string(role r) {
  switch (r) {
    case role::head:
      return "head";
    case role::worker:
      return "worker";
    case role::client:
      return "client";
  }
  return "unknown";
}

result<role> parse_role(std::string_view text) {
  for (const auto r : {role::head, role::worker, role::client})
    if (text == to_string(r)) return r;
  return fail(errc::invalid_argument,
              "\"" + std::string(text) + "\" is no role: head, worker or client");
}

tls_files files_in(const fs::path& dir, role r) {
  return {dir / "ca.pem", dir / (std::string(to_string(r)) + ".pem")};
}

result<void> ensure_authority(const fs::path& dir, const authority_settings& settings) {
  if (auto ok = prepare_directory(dir); !ok) return ok;
  const auto lock = lock_directory(dir);
  if (!lock) return tl::unexpected(lock.error());
  const auto authority = open_authority(dir, settings);
  if (!authority) return tl::unexpected(authority.error());
  for (const auto r : {role::head, role::worker, role::client}) {
    certificate_request request{r,
                                settings.owner.empty() ? account_name() : settings.owner,
                                {},
                                settings.certificate_validity};
    if (r == role::head) {
      request.names = {"localhost", "127.0.0.1", "::1"};
      request.names.insert(request.names.end(), settings.head_names.begin(),
                           settings.head_names.end());
    }
    const auto file = files_in(dir, r).certificate;
    if (fs::exists(file)) {
      const auto good = still_good(*authority, request, file);
      if (!good) return tl::unexpected(good.error());
      if (*good) continue;
    }
    if (auto ok = issue(*authority, request, file); !ok) return ok;
  }
  return {};
}

result<void> issue_certificate(const fs::path& dir, const certificate_request& request,
                               const fs::path& file) {
  const auto authority = load_authority(dir);
  if (!authority) return tl::unexpected(authority.error());
  return issue(*authority, request, file);
}

result<std::string> issue_certificate_pem(const fs::path& dir, const certificate_request& request) {
  const auto authority = load_authority(dir);
  if (!authority) return tl::unexpected(authority.error());
  auto made = make_certificate(request, *authority);
  if (!made) return tl::unexpected(made.error());
  return pem_of(*made);
}

result<identity> check_tls_files(const tls_files& files) {
  auto c = load_credential(files.certificate, files.certificate);
  if (!c) return tl::unexpected(c.error());
  const auto text = read_file(files.authority, false);
  if (!text) return tl::unexpected(text.error());
  const auto authority = parse_certificate(*text);
  if (!authority)
    return fail(errc::unauthenticated,
                "no certificate in " + files.authority.string() + ": " + openssl_words());
  if (!signed_by(*c->certificate, *authority))
    return fail(errc::unauthenticated, "the certificate in " + files.certificate.string() +
                                           " is not of the authority in " +
                                           files.authority.string());
  if (auto ok = check_validity(*authority, files.authority); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_validity(*c->certificate, files.certificate); !ok)
    return tl::unexpected(ok.error());
  auto who = identity_of(*c->certificate);
  if (!who) return fail(who.error().code, files.certificate.string() + ": " + who.error().message);
  return who;
}

}  // namespace troupe::net
