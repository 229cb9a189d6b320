// Launch tokens.
#include "providers/launch_tokens.hpp"

#include <chrono>

#include "tests/support/catch.hpp"

namespace troupe::providers {

using namespace std::chrono_literals;

namespace {
launch_tokens tokens() {
  return launch_tokens{[n = 0](std::span<std::byte> out) mutable {
    for (auto& b : out) b = static_cast<std::byte>(++n);
  }};
}
}  // namespace

TEST_CASE("a token works once") {
  auto t = tokens();
  auto token = t.issue("here.1.1", time_point{10s});
  CHECK(t.redeem(token, time_point{5s}).value() == "here.1.1");
  CHECK(t.redeem(token, time_point{5s}).error().code == errc::unauthenticated);
  CHECK(t.open() == 0);
}

TEST_CASE("a token is void after its deadline") {
  auto t = tokens();
  auto token = t.issue("here.1.1", time_point{10s});
  CHECK_FALSE(t.redeem(token, time_point{11s}));
}

TEST_CASE("a token that differs anywhere is refused") {
  auto t = tokens();
  const auto token = t.issue("here.1.1", time_point{10s});
  CHECK(token.size() == std::string{"here.1.1:"}.size() + 64);
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto wrong = token;
    wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
    CHECK_FALSE(t.redeem(wrong, time_point{5s}));
  }
  for (auto wrong : {"", ":", "here.1.1", "here.1.1:", "here.1.1:00"})
    CHECK_FALSE(t.redeem(wrong, time_point{5s}));
  CHECK(t.redeem(token, time_point{5s}));
}

TEST_CASE("the token of one launch is of no use for another") {
  auto t = tokens();
  auto a = t.issue("here.1.1", time_point{10s});
  t.issue("here.1.2", time_point{10s});
  CHECK_FALSE(t.redeem("here.1.2" + a.substr(a.find(':')), time_point{5s}));
}

TEST_CASE("a revoked token is void") {
  auto t = tokens();
  auto a = t.issue("here.1.1", time_point{10s});
  t.revoke("here.1.1");
  CHECK_FALSE(t.redeem(a, time_point{5s}));
}

}  // namespace troupe::providers
