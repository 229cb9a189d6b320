#include "actors/worker_options.hpp"

#include <cstdlib>

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

worker_options sample() {
  worker_options o;
  o.address = "127.0.0.1:7400";
  o.certificates = "/state/certs";
  o.pool = "here";
  o.log_dir = "/state/logs";
  o.scratch = "/state/scratch";
  o.settings.slots = 3;
  o.settings.memory = byte_count::gib(2);
  o.settings.resources = resource_set{{"GPU", 2}, {"licence", 0.5}};
  o.settings.modules = {"/lib/a.so", "/lib/b c.so"};
  o.settings.nice = 3;
  o.settings.death_timeout = std::chrono::seconds{7};
  o.settings.on_scheduler_lost = scheduler_loss::stop;
  return o;
}

}  // namespace

TEST_CASE("what a worker is told comes back from its variable") {
  auto o = sample();
  auto back = decode_worker_options(encode(o));
  REQUIRE(back);
  CHECK(back->address == o.address);
  CHECK(back->certificates == o.certificates);
  CHECK(back->pool == o.pool);
  CHECK(back->log_dir == o.log_dir);
  CHECK(back->settings.slots == 3);
  CHECK(back->settings.memory->value == byte_count::gib(2).value);
  CHECK(back->settings.resources == o.settings.resources);
  CHECK(back->settings.modules == o.settings.modules);
  CHECK(back->settings.nice == 3);
  CHECK(back->settings.death_timeout == o.settings.death_timeout);
  CHECK(back->settings.on_scheduler_lost == scheduler_loss::stop);
}

TEST_CASE("the launch token is not part of what is encoded") {
  auto o = sample();
  o.token = "secret-token";
  CHECK(encode(o).find("secret-token") == std::string::npos);
}

TEST_CASE("a variable that can't be read is refused by its name") {
  for (const char* text : {"", "nonsense", "{}", "[1]", "{\"address\": 5}"}) {
    auto o = decode_worker_options(text);
    REQUIRE_FALSE(o);
    CHECK(o.error().message.find(worker_variable) != std::string::npos);
  }
}

TEST_CASE("tasks inherit neither the worker's variable nor its token") {
  ::setenv(worker_variable, encode(sample()).c_str(), 1);
  ::setenv("TROUPE_LAUNCH_TOKEN", "secret-token", 1);
  auto o = take_worker_options_from_environment();
  REQUIRE(o);
  REQUIRE(*o);
  CHECK((*o)->token == "secret-token");
  CHECK(std::getenv(worker_variable) == nullptr);
  CHECK(std::getenv("TROUPE_LAUNCH_TOKEN") == nullptr);
  CHECK_FALSE(take_worker_options_from_environment());
}
