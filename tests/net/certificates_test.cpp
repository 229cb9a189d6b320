// The cluster's certificate authority and its files.
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <thread>

#include "net/x509.hpp"
#include "tests/net/support.hpp"

namespace troupe::net::test {

namespace fs = std::filesystem;

namespace {

std::string contents(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

unsigned mode_of(const fs::path& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777;
}

authority_settings of_ada() {
  authority_settings s;
  s.owner = "ada";
  return s;
}

}  // namespace

TEST_CASE("an authority is made once, private, with a certificate for each role") {
  const temporary_directory dir;
  const auto ca = dir.path() / "state" / "certs";
  REQUIRE(ensure_authority(ca, of_ada()));
  CHECK(mode_of(ca) == 0700);
  for (const auto* name : {"ca.key", "head.pem", "worker.pem", "client.pem"})
    CHECK(mode_of(ca / name) == 0600);
  for (const auto r : {role::head, role::worker, role::client}) {
    const auto who = check_tls_files(files_in(ca, r));
    REQUIRE(who);
    CHECK(*who == identity{r, "ada"});
  }
  const auto before = contents(ca / "ca.pem") + contents(ca / "head.pem");
  REQUIRE(ensure_authority(ca, of_ada()));
  CHECK(contents(ca / "ca.pem") + contents(ca / "head.pem") == before);
  for (const auto& entry : fs::directory_iterator(ca))  // no temporary file is left
    CHECK(entry.path().filename().string().find(".pem.") == std::string::npos);
}

TEST_CASE("a missing certificate is made again, others stay") {
  const temporary_directory dir;
  REQUIRE(ensure_authority(dir.path(), of_ada()));
  const auto head = contents(dir.path() / "head.pem");
  fs::remove(dir.path() / "worker.pem");
  REQUIRE(ensure_authority(dir.path(), of_ada()));
  CHECK(contents(dir.path() / "head.pem") == head);
  CHECK(check_tls_files(files_in(dir.path(), role::worker)));
}

TEST_CASE("the head's certificate is renewed when it gets another name") {
  const temporary_directory dir;
  REQUIRE(ensure_authority(dir.path(), of_ada()));
  const auto before = contents(dir.path() / "head.pem");
  auto settings = of_ada();
  settings.head_names = {"head.example", "10.1.2.3"};
  REQUIRE(ensure_authority(dir.path(), settings));
  const auto after = contents(dir.path() / "head.pem");
  CHECK(after != before);
  const auto certificate = parse_certificate(after);
  for (const auto* name : {"localhost", "127.0.0.1", "::1", "head.example", "10.1.2.3"})
    CHECK(has_name(*certificate, name));
  CHECK_FALSE(has_name(*certificate, "other.example"));
}

TEST_CASE("a certificate near its end is renewed by the same authority") {
  const temporary_directory dir;
  auto settings = of_ada();
  settings.certificate_validity = std::chrono::hours{0};
  REQUIRE(ensure_authority(dir.path(), settings));
  const auto expired = check_tls_files(files_in(dir.path(), role::worker));
  REQUIRE_FALSE(expired);
  CHECK(expired.error().message.find("expired") != std::string::npos);
  CHECK(expired.error().message.find("worker.pem") != std::string::npos);
  REQUIRE(ensure_authority(dir.path(), of_ada()));
  CHECK(check_tls_files(files_in(dir.path(), role::worker)));
}

TEST_CASE("an expired authority is named with what to do") {
  const temporary_directory dir;
  auto settings = of_ada();
  settings.authority_validity = std::chrono::hours{0};
  REQUIRE(ensure_authority(dir.path(), settings));
  const auto again = ensure_authority(dir.path(), settings);
  REQUIRE_FALSE(again);
  CHECK(again.error().message.find("ca.pem") != std::string::npos);
  CHECK(again.error().message.find("expired") != std::string::npos);
}

TEST_CASE("files that others can read are refused with the command that closes them") {
  const temporary_directory dir;
  REQUIRE(ensure_authority(dir.path(), of_ada()));
  SECTION("a key") {
    fs::permissions(dir.path() / "worker.pem", fs::perms(0644));
    const auto who = check_tls_files(files_in(dir.path(), role::worker));
    REQUIRE_FALSE(who);
    CHECK(who.error().code == errc::forbidden);
    CHECK(who.error().message.find("chmod 600") != std::string::npos);
  }
  SECTION("the directory") {
    fs::permissions(dir.path(), fs::perms(0755));
    const auto made = ensure_authority(dir.path(), of_ada());
    REQUIRE_FALSE(made);
    CHECK(made.error().message.find("chmod 700") != std::string::npos);
  }
}

TEST_CASE("what doesn't belong together is refused by name") {
  const temporary_directory dir;
  REQUIRE(ensure_authority(dir.path(), of_ada()));
  const auto worker = files_in(dir.path(), role::worker);
  const auto refused = [&](const std::string& word) {
    const auto who = check_tls_files(worker);
    REQUIRE_FALSE(who);
    INFO(who.error().message);
    CHECK(who.error().message.find(word) != std::string::npos);
    CHECK(who.error().message.find("worker.pem") != std::string::npos);
  };
  SECTION("key of another certificate") {
    const auto mine = contents(worker.certificate);
    const auto other = contents(dir.path() / "client.pem");
    std::ofstream(worker.certificate) << mine.substr(0, mine.find("-----BEGIN PRIVATE"))
                                      << other.substr(other.find("-----BEGIN PRIVATE"));
    refused("is not the key of");
    CHECK_FALSE(ensure_authority(dir.path(), of_ada()));
  }
  SECTION("another authority") {
    std::ofstream(worker.certificate) << contents(foreign_files_of(role::worker).certificate);
    refused("not of the authority");
    CHECK_FALSE(ensure_authority(dir.path(), of_ada()));
  }
  SECTION("no certificate at all") {
    std::ofstream(worker.certificate) << "hello";
    refused("no certificate");
  }
  SECTION("no file") {
    fs::remove(worker.certificate);
    refused("No such file");
  }
}

TEST_CASE("an authority without its key is not replaced silently") {
  const temporary_directory dir;
  REQUIRE(ensure_authority(dir.path(), of_ada()));
  fs::remove(dir.path() / "ca.key");
  const auto made = ensure_authority(dir.path(), of_ada());
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("ca.key") != std::string::npos);
}

TEST_CASE("certificates for other owners and names are issued, bad requests refused") {
  const temporary_directory dir;
  REQUIRE(ensure_authority(dir.path(), of_ada()));
  const auto file = dir.path() / "grace.pem";
  REQUIRE(issue_certificate(dir.path(), {role::client, "grace", {"desk.example"}}, file));
  const auto who = check_tls_files({dir.path() / "ca.pem", file});
  REQUIRE(who);
  CHECK(*who == identity{role::client, "grace"});
  CHECK(issue_certificate_pem(dir.path(), {role::worker, "grace"}));
  CHECK_FALSE(issue_certificate_pem(dir.path(), {role::worker, ""}));
  CHECK_FALSE(issue_certificate_pem(dir.path(), {role::worker, "grace", {"a,DNS:evil"}}));
  CHECK_FALSE(issue_certificate_pem(dir.path(), {role::worker, std::string(100, 'x')}));
}

TEST_CASE("two processes that start at once end with one authority") {
  const temporary_directory dir;
  const auto ca = dir.path() / "certs";
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { good += ensure_authority(ca, of_ada()).has_value(); });
  for (auto& t : threads) t.join();
  CHECK(good == 4);
  for (const auto r : {role::head, role::worker, role::client})
    CHECK(check_tls_files(files_in(ca, r)));
}

TEST_CASE("roles are three words and nothing else") {
  CHECK(*parse_role("worker") == role::worker);
  for (const auto* text : {"", "Worker", "worker ", "admin", "head\nworker"})
    CHECK_FALSE(parse_role(text));
}

}  // namespace troupe::net::test
