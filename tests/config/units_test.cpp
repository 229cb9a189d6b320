#include "libruntime/units.hpp"

#include "tests/support/catch.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

TEST_CASE("durations are numbers with units, exact to the nanosecond") {
  CHECK(parse_duration("0") == 0s);
  CHECK(parse_duration("0s") == 0s);
  CHECK(parse_duration("1ns") == 1ns);
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("1.5s") == 1500ms);
  CHECK(parse_duration("0.000000001s") == 1ns);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("7d") == 168h);
  CHECK(parse_duration("106751d") == duration{std::chrono::hours{24} * 106751});
}

TEST_CASE("what is no duration is refused, and so is one that doesn't fit") {
  for (auto text : {"",
                    "5",
                    "s",
                    "-1s",
                    "+1s",
                    "1 s",
                    " 1s",
                    "1s ",
                    "1S",
                    "1sec",
                    "1.s",
                    ".5s",
                    "1.5.5s",
                    "1e3s",
                    "inf",
                    "0x10s",
                    "1h30",
                    "106752d",
                    "99999999999999999999s",
                    "9223372037s1h",
                    "1.1234567891s"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("a duration is written in the largest unit that leaves nothing over") {
  CHECK(format_duration(0s) == "0s");
  CHECK(format_duration(500ms) == "500ms");
  CHECK(format_duration(1500ms) == "1500ms");
  CHECK(format_duration(90s) == "90s");
  CHECK(format_duration(2h) == "2h");
  CHECK(format_duration(48h) == "2d");
  CHECK(format_duration(-1s) == "-1s");
  for (std::int64_t n :
       {1LL, 999LL, 123'456'789LL, 3'600'000'000'000LL, 9'223'372'036'854'775'807LL}) {
    CHECK(parse_duration(format_duration(duration{n})) == duration{n});
  }
}

TEST_CASE("sizes are bytes or numbers with a unit of 1000 or 1024") {
  CHECK(parse_bytes("0") == byte_count{0});
  CHECK(parse_bytes("4096") == byte_count{4096});
  CHECK(parse_bytes("64KiB") == byte_count::kib(64));
  CHECK(parse_bytes("2GiB") == byte_count::gib(2));
  CHECK(parse_bytes("2 GiB") == byte_count::gib(2));
  CHECK(parse_bytes("1.5GiB") == byte_count::mib(1536));
  CHECK(parse_bytes("10MB") == byte_count{10'000'000});
  CHECK(parse_bytes("1kB") == byte_count{1000});
  CHECK(parse_bytes("18446744073709551615") == byte_count{UINT64_MAX});
  for (auto text : {"", "-1", "1.5", "2gib", "2G", "2 gigs", "GiB", "1TiB1", "16777216TiB",
                    "18446744073709551616", "1MiB2KiB", "1e6"}) {
    INFO(text);
    CHECK_FALSE(parse_bytes(text));
  }
}

TEST_CASE("a size is written so that it reads back as the same number of bytes") {
  CHECK(format_bytes(0) == "0");
  CHECK(format_bytes(512) == "512");
  CHECK(format_bytes(byte_count::kib(64)) == "64KiB");
  CHECK(format_bytes(byte_count::gib(2)) == "2GiB");
  CHECK(format_bytes(10'000'000) == "10MB");
  CHECK(format_bytes(4097) == "4097");
  for (std::uint64_t n : {1ULL, 1000ULL, 1024ULL, 1536ULL, 1'000'001ULL, 18446744073709551615ULL}) {
    CHECK(parse_bytes(format_bytes(n)) == byte_count{n});
  }
}

TEST_CASE("an address is a host and a port, with brackets around IPv6") {
  CHECK(parse_host_port("127.0.0.1:7400") == host_port{"127.0.0.1", 7400});
  CHECK(parse_host_port("head.example.org:0") == host_port{"head.example.org", 0});
  CHECK(parse_host_port("[::1]:7400") == host_port{"::1", 7400});
  CHECK(to_string(host_port{"::1", 7400}) == "[::1]:7400");
  CHECK(to_string(host_port{"localhost", 1}) == "localhost:1");
  for (auto text : {"", "7400", ":7400", "localhost", "localhost:", "localhost:70000",
                    "localhost:-1", "localhost:+1", "localhost: 1", "::1:7400", "[::1]", "[]:1",
                    "[localhost]:1", "a b:1", "http://a:1", "a/b:1"}) {
    INFO(text);
    CHECK_FALSE(parse_host_port(text));
  }
}

TEST_CASE("only addresses of this machine are loopback") {
  for (auto host : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) {
    CHECK(is_loopback({host, 1}));
  }
  for (auto host : {"0.0.0.0", "::", "10.0.0.1", "127.example.org", "localhost.example.org"}) {
    CHECK_FALSE(is_loopback({host, 1}));
  }
}

}  // namespace
}  // namespace troupe
