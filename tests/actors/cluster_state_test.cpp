#include "actors/cluster_state.hpp"

#include <sys/stat.h>

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace troupe;
using actors::cluster_state;

namespace {

// State folders are found by environment; each case has a world of its own.
struct world {
  tests::temporary_folder folder;
  world() {
    ::setenv("XDG_STATE_HOME", folder.path().c_str(), 1);
    ::unsetenv("TROUPE_ADDRESS");
    ::unsetenv("TROUPE_CERTS");
  }
};

actors::head_record record_of(const cluster_state& s, const std::string& address) {
  actors::head_record r;
  r.name = s.dir().filename();
  r.cluster_id = s.cluster_id();
  r.epoch = s.epoch().value;
  r.pid = 42;
  r.address = address;
  r.certificates = (s.dir() / "certs").string();
  return r;
}

}  // namespace

TEST_CASE("each start of a cluster is a new epoch of the same cluster") {
  world w;
  std::string id;
  {
    auto first = cluster_state::open({}, "demo");
    REQUIRE(first);
    id = first->cluster_id();
    CHECK(id.size() == 32);
    CHECK(first->epoch().value == 1);
  }
  auto second = cluster_state::open({}, "demo");
  REQUIRE(second);
  CHECK(second->cluster_id() == id);
  CHECK(second->epoch().value == 2);
}

TEST_CASE("a state folder belongs to one head at a time, which the refusal names") {
  world w;
  auto first = cluster_state::open({}, "demo");
  REQUIRE(first);
  REQUIRE(first->announce(record_of(*first, "127.0.0.1:7400")));
  auto second = cluster_state::open({}, "demo");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::already_exists);
  CHECK(second.error().message.find("127.0.0.1:7400") != std::string::npos);
}

TEST_CASE("a state folder is readable by its owner alone") {
  world w;
  auto s = cluster_state::open({}, "demo");
  REQUIRE(s);
  struct stat info {};
  REQUIRE(::stat(s->dir().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("a damaged state folder is refused with its file's name") {
  world w;
  auto dir = w.folder.path() / "broken";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "cluster.json") << "{ not json";
  auto s = cluster_state::open(dir, "broken");
  REQUIRE_FALSE(s);
  CHECK(s.error().message.find("cluster.json") != std::string::npos);
}

TEST_CASE("without an address the cluster started last is meant, while it runs") {
  world w;
  auto nothing = actors::find_cluster("", "");
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().code == errc::unavailable);
  {
    auto s = cluster_state::open({}, "demo");
    REQUIRE(s);
    REQUIRE(s->announce(record_of(*s, "127.0.0.1:7400")));
    auto found = actors::find_cluster("", "");
    REQUIRE(found);
    CHECK(found->address == "127.0.0.1:7400");
    CHECK(found->epoch == 1);
  }
  auto over = actors::find_cluster("", "");
  REQUIRE_FALSE(over);
  CHECK(over.error().message.find("demo") != std::string::npos);
}

TEST_CASE("an address finds the certificates of its cluster") {
  world w;
  auto s = cluster_state::open({}, "demo");
  REQUIRE(s);
  REQUIRE(s->announce(record_of(*s, "127.0.0.1:7400")));
  auto found = actors::find_cluster("127.0.0.1:7400", "");
  REQUIRE(found);
  CHECK(found->certificates == (s->dir() / "certs").string());
  auto foreign = actors::find_cluster("127.0.0.1:9", "");
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().message.find("TROUPE_CERTS") != std::string::npos);
}
