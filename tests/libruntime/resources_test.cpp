#include "libruntime/resources.hpp"

#include <limits>

#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("resources are read as people write them") {
  auto r = resource_set::parse("GPU=1, licence = 0.5,cpus=4");
  REQUIRE(r.has_value());
  CHECK(r->get("GPU") == 1000);
  CHECK(r->get("licence") == 500);
  CHECK(r->get("cpus") == 4000);
  CHECK(r->get("other") == 0);
  CHECK(to_string(*r) == "GPU=1,cpus=4,licence=0.5");
  CHECK(resource_set::parse("")->empty());
  CHECK(resource_set::parse("GPU=0")->empty());
}

TEST_CASE("what isn't an amount is refused by name") {
  for (const char* bad : {"GPU", "=1", "GPU=", "GPU=x", "GPU=-1", "GPU=1x", "GPU=nan", "GPU=inf",
                          "GPU=1e300", "GPU=1,,x=1"}) {
    INFO(bad);
    auto r = resource_set::parse(bad);
    REQUIRE(!r.has_value());
    CHECK(r.error().code == errc::invalid_argument);
  }
  CHECK(resource_set::parse("GPU=-1").error().message.find("GPU") != std::string::npos);
}

TEST_CASE("sums of fractions never drift") {
  resource_set total;
  resource_set tenth{{"GPU", 0.1}};
  for (int i = 0; i < 10; ++i) total.add(tenth);
  CHECK(total == resource_set{{"GPU", 1}});
  for (int i = 0; i < 10; ++i) total.subtract(tenth);
  CHECK(total.empty());
}

TEST_CASE("a request fits as often as its scarcest resource") {
  resource_set worker{{"cpus", 8}, {"GPU", 2}};
  CHECK(worker.times({{"cpus", 1}}) == 8);
  CHECK(worker.times({{"cpus", 1}, {"GPU", 1}}) == 2);
  CHECK(worker.times({{"cpus", 3}}) == 2);
  CHECK(worker.times({{"licence", 1}}) == 0);
  CHECK(worker.times({}) == std::numeric_limits<std::int64_t>::max());
  CHECK(worker.contains({{"GPU", 2}}));
  CHECK(!worker.contains({{"GPU", 2.001}}));
  CHECK(worker.missing({{"cpus", 8}, {"licence", 1}}) == "licence");
  CHECK(worker.missing({{"cpus", 8}}).empty());
}

TEST_CASE("entries are sorted and without zeros, in whatever order they came") {
  resource_set r;
  r.set("b", 2);
  r.set("a", 1);
  r.set("c", 3);
  r.set("b", 0);
  REQUIRE(r.entries().size() == 2);
  CHECK(r.entries()[0].first == "a");
  CHECK(r.entries()[1].first == "c");
}
